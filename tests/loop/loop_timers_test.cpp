// SPDX-License-Identifier: BSL-1.0
//
// A loop and its timers: which timer is first, and a guard's timer, which is deferred until something suspends.
#include <bide/call.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/stop.hpp>
#include <bide/sync/event.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

bide::task<> sleeps(clock_type::duration d) { co_await bide::sleep_for(d); }
bide::task<> sleeps_until(clock_type::time_point at) { co_await bide::sleep_until(at); }
bide::task<> waits_for(bide::event& e) { co_await e; }

TEST(loop_timers, C7_8_next_deadline_when_the_first_ones_were_taken_back) {
    const bide::testing::virtual_time time;
    bide::loop l;
    const auto begun = time.now();
    std::vector<bide::future<>> all;
    for (int i = 1; i <= 300; ++i) all.push_back(l.submit(sleeps, i * 1s));
    while (l.poll()) {}
    for (int i = 1; i < 300; ++i) {
        EXPECT_EQ(l.next_deadline(), begun + i * 1s);
        all[static_cast<std::size_t>(i) - 1].stop();
        while (l.poll()) {}
    }
    EXPECT_EQ(l.next_deadline(), begun + 300s);
    all.back().stop();
    while (l.poll()) {}
    EXPECT_EQ(l.next_deadline(), std::nullopt);
    EXPECT_EQ(time.elapsed(), 0s);
}

TEST(loop_timers, C7_8_next_deadline_is_that_of_a_guard_whose_operation_waits) {
    const bide::testing::virtual_time time;
    bide::loop l;
    bide::event never;
    const auto guarded = [](bide::event& e) -> bide::task<> { co_await bide::with_timeout(5s, waits_for(e)); };
    auto f = l.submit(guarded, std::ref(never));
    while (l.poll()) {}
    EXPECT_EQ(l.next_deadline(), time.now() + 5s);
    l.run();
    EXPECT_THROW(f.value(), bide::timed_out);
    EXPECT_EQ(time.elapsed(), 5s);
}

TEST(loop_timers, C3_2_a_guard_and_then_a_sleep_for_the_same_time_come_in_this_order) {
    for (const bool guard_first : {true, false}) {
        const bide::testing::virtual_time time;
        bide::event set;
        std::string got;
        bide::with_scope([&](bide::scope& s) {
            const auto guarded = [&]() -> bide::task<> {
                try {
                    co_await bide::with_timeout(1s, waits_for(set));
                    got += "in time";
                } catch (const bide::timed_out&) {
                    got += "late";
                }
            };
            const auto sets = [&]() -> bide::task<> {
                co_await bide::sleep_for(1s);
                set.set();
            };
            if (guard_first) s.start(guarded);
            s.start(sets);
            if (!guard_first) s.start(guarded);
        });
        EXPECT_EQ(got, guard_first ? "late" : "in time");
        EXPECT_EQ(time.elapsed(), 1s);
    }
}

TEST(loop_timers, C6_4_guards_in_guards_whose_operations_do_not_wait) {
    const bide::testing::virtual_time time;
    struct nest {
        static bide::task<int> of(int n) {
            if (n == 0) co_return 0;
            const int inner = co_await bide::with_timeout(std::chrono::hours(n), of(n - 1));
            co_return inner + co_await bide::with_timeout(std::chrono::hours(n), of(0)) + 1;
        }
    };
    EXPECT_EQ(nest::of(100).wait(), 100);
    bide::sleep_for(1000h).wait();  // a timer that was left behind would fire within this sleep
    EXPECT_EQ(time.elapsed(), 1000h);
}

// The chain leaves the guard on the other loop's thread, while the guard's own loop looks at its timers.
TEST(loop_timers, C1_11_a_guarded_operation_that_moves_elsewhere_and_ends_there) {
    bide::loop_thread a;
    bide::loop_thread b;
    a.start();
    b.start();
    const auto moves = [](bide::executor& to, clock_type::duration d) -> bide::task<int> {
        co_await bide::resume_on(to);
        if (d != 0s) co_await bide::sleep_for(d);
        co_return 1;
    };
    const auto rounds = [&](bide::executor& to) -> bide::task<int> {
        int ended = 0;
        for (int i = 0; i < 200; ++i) {
            ended += co_await bide::with_timeout(1h, moves(to, 0s));
            ended += co_await bide::with_timeout(1h, moves(to, 1us));
            try {
                ended += co_await bide::with_timeout(20us, moves(to, i % 2 == 0 ? 0us : 1h));
            } catch (const bide::timed_out&) {
                ++ended;
            }
        }
        co_return ended;
    };
    // Two tasks at once, one in each direction: so each loop has timers of its own, too.
    auto there = a.submit(rounds, std::ref(b.get_executor()));
    auto back = b.submit(rounds, std::ref(a.get_executor()));
    EXPECT_EQ(there.wait(), 600);
    EXPECT_EQ(back.wait(), 600);
    a.shutdown();
    b.shutdown();
}

// The guard's loop has not looked at its timers since the guard was entered: the deferred timer has to be armed before
// the chain leaves the loop.
TEST(loop_timers, C1_11_a_guard_that_is_left_on_another_thread_leaves_no_timer_behind) {
    bide::loop here;
    bide::loop_thread there;
    there.start();
    std::atomic<bool> over{false};
    const auto moves = [&]() -> bide::task<> {
        struct at_end {
            std::atomic<bool>& set;
            ~at_end() { set = true; }
        } const end{over};
        co_await bide::resume_on(there.get_executor());
    };
    const auto guarded = [&]() -> bide::task<> { co_await bide::with_timeout(1h, moves()); };
    const auto holds_up = [&]() -> bide::task<> {  // in the same turn
        while (!over) std::this_thread::yield();
        std::this_thread::sleep_for(5ms);
        co_return;
    };
    const auto f = here.submit(guarded);
    const auto g = here.submit(holds_up);
    const auto pending = bide::future_status::pending;
    while (f.status() == pending || g.status() == pending) here.poll();
    EXPECT_EQ(here.next_deadline(), std::nullopt);
    there.shutdown();
}

TEST(loop_timers, C6_4_many_sleepers_are_stopped_and_time_does_not_move) {
    const bide::testing::virtual_time time;
    int ended = 0;
    const auto sleeper = [&](clock_type::duration d) -> bide::task<> {
        struct at_end {
            int& n;
            ~at_end() { ++n; }
        } const end{ended};
        co_await bide::sleep_for(d);
    };
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
        for (int i = 0; i < 20'000; ++i) s.start(sleeper, 1s * (1 + i * 7919 % 20'000));
        bide::wait(bide::yield_now());
    });
    EXPECT_EQ(ended, 20'000);
    EXPECT_EQ(time.elapsed(), 0s);
}

// In real time dense timers share their wake-ups, and yet no task is resumed before its time. Timers are armed by this
// thread and by another one.
TEST(loop_timers, C6_4_nothing_is_over_early) {
    const std::uint32_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto begin = clock_type::now();
    std::mt19937 random(seed);
    std::vector<clock_type::time_point> due(10'000);
    for (auto& at : due) at = begin + std::chrono::nanoseconds(random() % 100'000'000);
    int early = 0;
    int ended = 0;
    bide::with_scope([&](bide::scope& s) {
        for (const auto at : due)
            s.start([&, at]() -> bide::task<> {
                co_await sleeps_until(at);
                ++ended;
                if (clock_type::now() < at) ++early;
            });
    });
    EXPECT_EQ(early, 0);
    EXPECT_EQ(ended, 10'000);
}

}  // namespace
