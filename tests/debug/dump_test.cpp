// SPDX-License-Identifier: BSL-1.0
#include <bide/call.hpp>
#include <bide/debug/dump.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/foreign.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <functional>
#include <sstream>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

std::string dumped(std::chrono::milliseconds patience = 2000ms) {
    std::ostringstream out;
    bide::debug::dump(out, patience);
    return out.str();
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

constexpr int inner_line = __LINE__ + 1;
bide::task<> inner_sleep() { co_await bide::sleep_for(1h); }
bide::task<> outer_of_sleep() { co_await inner_sleep(); }

TEST(dump, C16_1_names_every_frame_its_line_and_what_it_waits_for) {
    const bide::testing::virtual_time time;
    std::string text;
    bide::with_scope([&](bide::scope& s) {
        s.start(outer_of_sleep);
        s.start([&]() -> bide::task<> {
            text = dumped();
            co_return;
        });
    });
    EXPECT_EQ(count(text, "inner_sleep()"), 1U) << text;
    EXPECT_EQ(count(text, "outer_of_sleep()"), 1U) << text;
    EXPECT_EQ(count(text, "waits for a sleep"), 1U) << text;
    EXPECT_NE(text.find("dump_test.cpp:" + std::to_string(inner_line)), std::string::npos)
        << text;  // the co_await in inner_sleep
    EXPECT_LT(text.find("inner_sleep()"), text.find("outer_of_sleep()")) << text;
}

TEST(dump, C16_1_shows_children_below_their_scope) {
    const bide::testing::virtual_time time;
    std::string text;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await bide::with_scope([&](bide::scope& nested) -> bide::task<> {
                nested.start(inner_sleep);
                co_await bide::sleep_for(1s);
                text = dumped();
            });
        });
    });
    const auto scope_line = text.find("scope #", text.find("task #"));
    ASSERT_NE(scope_line, std::string::npos) << text;
    EXPECT_NE(text.find("inner_sleep()", scope_line), std::string::npos) << text;
}

// bide does not know for what another library's awaiter waits, but it knows where.
constexpr int foreign_line = __LINE__ + 1;
bide::task<> waits_in_foreign_code(std::coroutine_handle<>& h) { co_await support::foreign_wait(h); }
bide::task<> outer_of_foreign_code(std::coroutine_handle<>& h) { co_await waits_in_foreign_code(h); }

TEST(dump, C16_1_shows_a_task_that_waits_in_foreign_code) {
    const bide::testing::virtual_time time;
    std::coroutine_handle<> waiting;
    std::string text;
    std::string after;
    bide::with_scope([&](bide::scope& s) {
        s.start(outer_of_foreign_code, std::ref(waiting));
        s.start([&]() -> bide::task<> {
            text = dumped();
            waiting.resume();
            co_await bide::yield_now();
            co_await bide::yield_now();
            after = dumped();
        });
    });
    EXPECT_EQ(count(text, "waits for code that bide does not know"), 1U) << text;
    EXPECT_EQ(count(text, "waits_in_foreign_code("), 1U) << text;
    EXPECT_EQ(count(text, "outer_of_foreign_code("), 1U) << text;
    EXPECT_NE(text.find("dump_test.cpp:" + std::to_string(foreign_line)), std::string::npos) << text;
    EXPECT_EQ(count(after, "waits for code that bide does not know"), 0U) << after;
}

TEST(dump, C16_1_asks_a_loop_of_another_thread) {
    bide::loop l;
    std::atomic<bool> parked{false};
    auto waiting = l.submit([&]() -> bide::task<> {
        parked = true;
        parked.notify_one();
        co_await bide::sleep_for(std::chrono::hours::max());
    });
    std::thread runner([&] { l.run(); });
    parked.wait(false);
    const std::string text = dumped();
    EXPECT_EQ(count(text, "waits for a sleep"), 1U) << text;
    waiting.stop();
    runner.join();
    EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
}

// A chain that resume_on has moved runs on another thread: here it is named, and its frames are not looked into.
TEST(dump, C16_1_names_a_task_that_has_moved_and_leaves_its_frames_alone) {
    bide::loop_thread other;
    other.start();
    std::atomic<bool> there{false};
    std::atomic<bool> go_on{false};
    std::string text;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await bide::resume_on(other.get_executor());
            there = true;
            while (!go_on) co_await bide::yield_now();  // its frames come and go
            co_await bide::sleep_for(1ms);
        });
        s.start([&]() -> bide::task<> {
            while (!there) co_await bide::sleep_for(1ms);
            for (int i = 0; i < 100; ++i) text = dumped();
            go_on = true;
        });
    });
    EXPECT_EQ(count(text, "may run elsewhere by resume_on"), 1U) << text;
}

TEST(dump, C16_1_is_empty_of_tasks_when_nothing_lives) { EXPECT_EQ(count(dumped(0ms), "task #"), 0U); }

}  // namespace
