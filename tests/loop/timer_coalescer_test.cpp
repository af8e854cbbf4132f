// SPDX-License-Identifier: BSL-1.0
//
// Whether timers share a wake-up of their loop.
#include <bide/detail/loop/timer_coalescer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace {

using namespace std::chrono_literals;
using time_point = std::chrono::steady_clock::time_point;

// Simulates a loop that wakes `wakes_after` later than it asked for, with timers at intervals of `apart`, or with eight
// at a time at intervals of `together`. Returns how late the latest timer fired, and how often the loop woke.
std::pair<std::chrono::nanoseconds, int> fire_all(std::chrono::nanoseconds apart, std::chrono::nanoseconds together,
                                                  std::chrono::nanoseconds wakes_after) {
    bide::detail::timer_coalescer coalescer;
    std::chrono::nanoseconds latest{};
    int wakeups = 0;
    const auto time_of = [&](int i) {
        return time_point(1000h + (together.count() != 0 ? i / 8 * together : i * apart));
    };
    for (int next = 0; next < 10'000;) {
        const time_point now = coalescer.sleeps_for(time_of(next)) + wakes_after;
        ++wakeups;
        for (; next < 10'000 && time_of(next) <= now; ++next) {
            coalescer.fires(time_of(next));
            latest = std::max(latest, std::chrono::nanoseconds(now - time_of(next)));
        }
        coalescer.fired(now);
    }
    return {latest, wakeups};
}

TEST(timer_coalescer, C6_4_C18_10_dense_timers_share_wakeups_and_are_a_millisecond_late_at_most) {
    const auto [late, wakeups] = fire_all(9us, 0us, 60us);
    EXPECT_LE(late, 1ms + 60us);
    EXPECT_LT(wakeups, 120);  // for 10 000 timers; without coalescing 1 300
}

TEST(timer_coalescer, C6_4_C18_10_sparse_timers_and_equal_ones_are_not_delayed) {
    EXPECT_EQ(fire_all(100us, 0us, 60us).first, 60us);
    EXPECT_EQ(fire_all(20us, 0us, 60us).first, 60us);
    EXPECT_EQ(fire_all(0us, 100us, 60us).first, 60us);  // eight at a time
    EXPECT_EQ(fire_all(0us, 16ms, 60us).first, 60us);
}

// Timers that fall due while the loop is busy are no reason to sleep longer.
TEST(timer_coalescer, C6_4_a_busy_loop_does_not_delay_timers) {
    bide::detail::timer_coalescer coalescer;
    for (int i = 0; i < 100; ++i) {
        const time_point first(1000h + 1ms * i);
        EXPECT_EQ(coalescer.sleeps_for(first), first);
        coalescer.woken_early();
        for (int k = 0; k < 10; ++k) coalescer.fires(first + 10us * k);
        coalescer.fired(first + 100us);
    }
}

TEST(timer_coalescer, C6_4_for_ever_stays_for_ever) {
    bide::detail::timer_coalescer coalescer;
    EXPECT_EQ(coalescer.sleeps_for(time_point::max()), time_point::max());
    EXPECT_EQ(coalescer.sleeps_for(time_point::max() - 1ns), time_point::max() - 1ns);
    coalescer.fired(time_point(1h));
}

}  // namespace
