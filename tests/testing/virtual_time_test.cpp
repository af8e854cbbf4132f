// SPDX-License-Identifier: BSL-1.0
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/task.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;
using bide::testing::virtual_time;

task<> nothing() { co_return; }
task<> sleeps(std::chrono::nanoseconds d) { co_await bide::sleep_for(d); }

TEST(virtual_time, C16_2_the_clock_stands_while_anything_is_ready) {
    const virtual_time time;
    bide::loop l;
    bool slept = false;
    bool worked_before = false;
    const auto nap = [](bool& done) -> task<> {
        co_await bide::sleep_for(1ns);
        done = true;
    };
    const auto work = [](bide::loop& on, bool& other_slept, bool& was_first) -> task<> {
        for (int i = 0; i < 1000; ++i) co_await on.submit(nothing);
        was_first = !other_slept;
    };
    static_cast<void>(l.submit(nap, std::ref(slept)));
    static_cast<void>(l.submit(work, std::ref(l), std::ref(slept), std::ref(worked_before)));
    l.run();
    EXPECT_TRUE(worked_before);
    EXPECT_TRUE(slept);
    EXPECT_EQ(time.elapsed(), 1ns);
}

TEST(virtual_time, C16_2_jumps_from_timer_to_timer_and_stops_at_each) {
    const virtual_time time;
    const auto began = time.now();
    std::vector<std::chrono::nanoseconds> at;
    const auto notes = [&](std::chrono::nanoseconds d) -> task<> {
        co_await bide::sleep_for(d);
        at.push_back(time.now() - began);
    };
    bide::with_scope([&](bide::scope& s) {
        s.start(notes, 24h * 365);
        s.start(notes, 1ns);
        s.start(notes, 1h);
    });
    EXPECT_EQ(at, (std::vector<std::chrono::nanoseconds>{1ns, 1h, 24h * 365}));
    EXPECT_EQ(time.elapsed(), 24h * 365);
}

TEST(virtual_time, C16_2_plain_code_takes_no_time) {
    const virtual_time time;
    const auto began = time.now();
    const auto real = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() == real) {}  // real time passes, which this clock does not see
    nothing().wait();
    EXPECT_EQ(time.now(), began);
    EXPECT_EQ(time.elapsed(), 0s);
}

TEST(virtual_time, C16_2_all_loops_of_a_guard_have_one_clock) {
    const virtual_time time;
    bide::loop first;
    bide::loop second;
    static_cast<void>(first.submit(sleeps, 1h));
    first.run();
    EXPECT_EQ(first.now(), time.now());
    EXPECT_EQ(second.now(), time.now());
    static_cast<void>(second.submit(sleeps, 2h));
    second.run();
    EXPECT_EQ(time.elapsed(), 3h);
}

TEST(virtual_time, C16_2_a_guard_in_a_guard_has_a_clock_of_its_own) {
    const virtual_time outer;
    {
        const virtual_time inner;
        bide::sleep_for(1h).wait();
        EXPECT_EQ(inner.elapsed(), 1h);
        EXPECT_EQ(outer.elapsed(), 0s);
    }
    bide::sleep_for(1min).wait();  // the outer clock is in use again
    EXPECT_EQ(outer.elapsed(), 1min);
}

TEST(virtual_time, C16_2_afterwards_loops_have_real_time_again) {
    {
        const virtual_time time;
        bide::sleep_for(1h).wait();
    }
    const auto before = std::chrono::steady_clock::now();
    bide::loop l;
    bide::sleep_for(1ms).wait();
    EXPECT_GE(std::chrono::steady_clock::now() - before, 1ms);
    const auto of_the_loop = l.now();  // read first: the order of a macro's arguments is the compiler's
    EXPECT_GE(of_the_loop, before);
    EXPECT_LE(of_the_loop, std::chrono::steady_clock::now());
}

TEST(virtual_time, C16_2_loops_of_other_threads_keep_real_time) {
    const virtual_time time;
    bide::sleep_for(1h).wait();
    std::thread other([] {
        const auto before = std::chrono::steady_clock::now();
        bide::sleep_for(1ms).wait();
        EXPECT_GE(std::chrono::steady_clock::now() - before, 1ms);
    });
    other.join();
    EXPECT_EQ(time.elapsed(), 1h);
}

}  // namespace
