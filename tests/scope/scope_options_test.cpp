// SPDX-License-Identifier: BSL-1.0
#include <bide/scope_options.hpp>

#include <bide/error.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/steps.hpp"
#include "support/unhandled.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::error_mode;
using bide::exit_mode;
using bide::future_status;
using bide::scope;
using bide::task;
using bide::with_scope;
using support::fails_after;
using support::log_of;
using support::says;
using support::says_after;

task<> eight(int, int, int, int, int, int, int, int) { co_await bide::sleep_for(1h); }

TEST(scope_rules, C3_4_exit_fail_knows_the_line_of_each_start_with_up_to_eight_arguments) {
    const bide::testing::virtual_time time;
    int first = 0;
    try {
        with_scope({.exit = exit_mode::fail}, [&](scope& s) {
            first = __LINE__ + 1;
            s.start(eight, 1, 2, 3, 4, 5, 6, 7, 8);
            s.start([]() -> task<> { co_await bide::sleep_for(1h); });
            s.start([]() -> task<> { co_return; });
            s.start(bide::sleep_for(1h));
            bide::sleep_for(1s).wait();              // the third has ended
            s.start([]() -> task<> { co_return; });  // has not begun
        });
        ADD_FAILURE();
    } catch (const bide::unfinished_tasks& e) {
        ASSERT_EQ(e.places().size(), 4U);
        const int lines[] = {first, first + 1, first + 3, first + 5};
        for (std::size_t i = 0; i < 4; ++i)
            EXPECT_NE(e.places()[i].find("scope_options_test.cpp:" + std::to_string(lines[i]) + " "), std::string::npos)
                << e.places()[i];
    }
    EXPECT_EQ(time.elapsed(), 1s);  // they were cancelled
}

TEST(scope_rules, C3_6_keep_going_throws_even_one_failure_as_a_group_without_those_that_were_consumed) {
    const bide::testing::virtual_time time;
    const support::unhandled lost;
    try {
        with_scope({.error = error_mode::keep_going}, [](scope& s) {
            auto seen = s.start(fails_after, 1s, "seen");
            s.start(fails_after, 2s, "unseen");
            EXPECT_THROW(seen.wait(), std::runtime_error);
        });
        ADD_FAILURE();
    } catch (const bide::exception_group& group) {
        ASSERT_EQ(group.errors().size(), 1U);
        EXPECT_EQ(bide::describe(group.errors()[0]), "unseen");
    }
    EXPECT_EQ(lost.errors(), log_of());
}

TEST(scope_rules, C3_6_a_sibling_that_awaited_it_and_was_cancelled_first_has_not_consumed_it) {
    const bide::testing::virtual_time time;
    const support::unhandled lost;
    bide::future<> waits;
    EXPECT_THROW(with_scope({.error = error_mode::keep_going},
                            [&](scope& s) {
                                auto fails = s.start(fails_after, 2s, "boom");
                                waits = s.start([](bide::future<> f) -> task<> { co_await f; }, fails);
                                bide::sleep_for(1s).wait();
                                waits.stop();
                            }),
                 bide::exception_group);
    EXPECT_EQ(waits.status(), future_status::cancelled);
    EXPECT_EQ(lost.errors(), log_of());
}

TEST(scope_rules, C3_7_what_is_not_thrown_goes_to_the_list_or_else_to_the_hook) {
    const bide::testing::virtual_time time;
    const auto body = [](scope& s) {
        s.start(fails_after, 1s, "task");
        bide::sleep_for(2s).wait();
        throw std::out_of_range("body");
    };
    {
        const support::unhandled lost;
        EXPECT_THROW(with_scope({.error = error_mode::keep_going}, body), std::out_of_range);
        EXPECT_EQ(lost.errors(), log_of{"task"});
    }
    const support::unhandled lost;
    std::vector<std::exception_ptr> errors;
    EXPECT_THROW(with_scope({.error = error_mode::keep_going, .errors = &errors}, body), std::out_of_range);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(bide::describe(errors[0]), "task");
    EXPECT_EQ(lost.errors(), log_of());
}

TEST(scope_rules, C3_4_exit_modes_are_the_same_in_a_coroutine) {
    const bide::testing::virtual_time time;
    log_of log;
    const auto cancels = [&]() -> task<> {
        co_await with_scope({.exit = exit_mode::cancel}, [&](scope& s) -> task<> {
            s.start(
                [](log_of& l) -> task<> {
                    const says unwound(l, "unwound");
                    const auto clean = [&l]() -> task<> { co_await says_after(l, 1s, "cleaned up"); };
                    auto hour = bide::sleep_for(1h);
                    co_await bide::finally(hour, clean, 1min);
                },
                std::ref(log));
            co_await bide::sleep_for(1s);
            s.start(
                [](log_of& l) -> task<> {
                    l.push_back("never");
                    co_return;
                },
                std::ref(log));
        });
        log.push_back("after");
    };
    cancels().wait();
    EXPECT_EQ(log, (log_of{"cleaned up", "unwound", "after"}));
    EXPECT_EQ(time.elapsed(), 2s);
    const auto fails = []() -> task<> {
        co_await with_scope({.exit = exit_mode::fail}, [](scope& s) -> task<> {
            s.start(bide::sleep_for(1h));
            co_return;
        });
    };
    EXPECT_THROW(fails().wait(), bide::unfinished_tasks);
}

TEST(scope_options, C3_4_C3_5_without_options_a_scope_waits_and_its_first_failure_cancels) {
    const bide::testing::virtual_time time;
    const bide::scope_options none;
    log_of log;
    with_scope(none, [&](scope& s) { s.start(says_after, std::ref(log), 1s, "waited for"); });
    EXPECT_EQ(log, log_of{"waited for"});
    const auto fails = [&](scope& s) {
        s.start(says_after, std::ref(log), 3s, "not cancelled");
        s.start(fails_after, 1s, "boom");
    };
    EXPECT_THROW(with_scope(none, fails), std::runtime_error);
    EXPECT_EQ(log, log_of{"waited for"});
    EXPECT_EQ(time.elapsed(), 2s);
}

}  // namespace
