// SPDX-License-Identifier: BSL-1.0
#include <bide/error.hpp>
#include <bide/hooks.hpp>

#include "support/unhandled.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace {

TEST(error, C2_7_the_hook_is_told_the_failure) {
    const support::unhandled failures;
    bide::report_unhandled(std::make_exception_ptr(std::runtime_error("lost")), "the test");
    EXPECT_EQ(failures.errors(), std::vector<std::string>{"lost"});
}

TEST(error, C2_7_C17_2_without_a_hook_the_failure_is_written_to_stderr) {
    const auto before = bide::set_unhandled_error_hook(nullptr);
    testing::internal::CaptureStderr();
    bide::report_unhandled(std::make_exception_ptr(std::runtime_error("lost")), "the test");
    const std::string written = testing::internal::GetCapturedStderr();
    bide::set_unhandled_error_hook(before);
    EXPECT_NE(written.find("the test"), std::string::npos) << written;
    EXPECT_NE(written.find("lost"), std::string::npos) << written;
}

TEST(error, C17_2_a_hook_that_throws_is_harmless) {
    const auto before = bide::set_unhandled_error_hook([](std::exception_ptr, const char*) { throw 1; });
    bide::report_unhandled(std::make_exception_ptr(std::runtime_error("lost")), "the test");
    const auto reports_before = bide::set_report_hook([](const std::string&) { throw 1; });
    bide::report("a finding");
    bide::set_report_hook(reports_before);
    EXPECT_NE(bide::set_unhandled_error_hook(before), nullptr);  // and is still the hook
}

TEST(error, C17_2_setting_a_hook_gives_the_former_one) {
    const bide::unhandled_error_hook mine = [](std::exception_ptr, const char*) {};
    const auto before = bide::set_unhandled_error_hook(mine);
    EXPECT_EQ(bide::set_unhandled_error_hook(before), mine);
}

TEST(error, C1_2_C17_4_dev_mode_can_be_switched_from_inside) {
    const bool before = bide::dev_mode();
    bide::set_dev_mode(true);
    EXPECT_TRUE(bide::dev_mode());
    bide::set_dev_mode(false);
    EXPECT_FALSE(bide::dev_mode());
    bide::set_dev_mode(before);
}

}  // namespace
