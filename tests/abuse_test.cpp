// SPDX-License-Identifier: BSL-1.0
//
// What a program must not do, and does: each has a defined outcome.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include "support/counted.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace bide;
using namespace std::chrono_literals;
using bide_test::counted;

task<int> one(counted c) {
    c.use();
    co_await yield_now();
    co_return 1;
}

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copy"); }
    throws_when_copied& operator=(const throws_when_copied&) = default;
    ~throws_when_copied() = default;
};
task<> takes(throws_when_copied) { co_return; }

TEST(abuse, C1_2_a_dropped_task_never_runs_and_its_arguments_die_once) {
    const int faults = counted::faults();
    { auto dropped = one(counted()); }
    EXPECT_EQ(counted::living(), 0);
    EXPECT_EQ(counted::faults(), faults);
}

TEST(abuse, C1_2_a_task_that_was_consumed_or_moved_from_says_so) {
    auto t = one(counted());
    auto u = std::move(t);
    EXPECT_THROW(static_cast<void>(t.wait()), usage_error);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(u.wait(), 1);
    EXPECT_THROW(static_cast<void>(u.wait()), usage_error);
    auto awaits = [](task<int> x) -> task<int> { co_return co_await std::move(x); };
    EXPECT_THROW(static_cast<void>(awaits(std::move(u)).wait()), usage_error);  // NOLINT(bugprone-use-after-move)
}

TEST(abuse, C3_9_a_start_into_an_ended_scope_runs_nothing) {
    const int faults = counted::faults();
    std::optional<scope_ref> kept;
    with_scope([&](scope& s) { kept.emplace(s.ref()); });
    EXPECT_THROW(static_cast<void>(kept->start(one, counted())), scope_closed);
    EXPECT_EQ(counted::living(), 0);
    EXPECT_EQ(counted::faults(), faults);
}

TEST(abuse, C3_1_a_copy_of_an_argument_that_throws_starts_nothing) {
    with_scope([](scope& s) {
        const throws_when_copied argument;
        EXPECT_THROW(static_cast<void>(s.start(takes, argument)), std::runtime_error);
        s.join().wait();
    });
    const throws_when_copied argument;
    EXPECT_THROW(static_cast<void>(to_thread([](const throws_when_copied&) {}, argument)), std::runtime_error);
}

TEST(abuse, C5_3_nothing_to_choose_from) {
    EXPECT_THROW(static_cast<void>(race(std::vector<task<int>>())), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(first_success(std::vector<task<int>>())), std::invalid_argument);
    EXPECT_TRUE(when_all(std::vector<task<int>>()).wait().empty());
}

TEST(abuse, C4_2_a_maximum_below_one_is_refused) {
    const int before = max_threads();
    EXPECT_THROW(set_max_threads(0), std::invalid_argument);
    EXPECT_THROW(set_max_threads(-1), std::invalid_argument);
    EXPECT_EQ(max_threads(), before);
}

TEST(abuse, C6_4_durations_at_their_ends) {
    using clock = std::chrono::steady_clock;
    bide::testing::virtual_time time;
    const auto timeless = [](auto d) {
        const auto begin = idle_loop()->now();
        sleep_for(d).wait();
        return idle_loop()->now() == begin;
    };
    EXPECT_TRUE(timeless(0s));
    EXPECT_TRUE(timeless(-1s));
    EXPECT_TRUE(timeless(std::chrono::hours::min()));
    EXPECT_TRUE(timeless(clock::duration::min()));
    sleep_until(clock::time_point::min()).wait();
    for (auto d : {clock::duration::max(), clock::duration::max() - 1ns})
        EXPECT_THROW(with_timeout(1h, sleep_for(d)).wait(), timed_out);
    EXPECT_THROW(with_timeout(1h, sleep_for(std::chrono::hours::max())).wait(), timed_out);
    EXPECT_THROW(with_timeout(1h, sleep_until(clock::time_point::max())).wait(), timed_out);
    EXPECT_THROW(with_timeout(clock::duration::min(), sleep_for(1ns)).wait(), timed_out);
    with_timeout(std::chrono::hours::max(), sleep_for(1s)).wait();
    with_deadline(clock::time_point::max(), sleep_for(1s)).wait();
}

TEST(abuse, C6_2_closing_a_channel_twice_is_harmless) {
    channel<int> c(1);
    c.close();
    c.close();
}

TEST(abuse, C3_5_a_failure_during_cancellation_does_not_hide_the_first) {
    bide::testing::virtual_time time;
    std::vector<std::exception_ptr> all;
    const auto cleanup = []() -> task<> {
        co_await yield_now();
        throw std::logic_error("second");
    };
    try {
        with_scope({.errors = &all}, [&](scope& s) {
            s.start([&] { return finally(sleep_for(1h), cleanup, 1s); });
            s.start([]() -> task<> {
                co_await yield_now();
                throw std::runtime_error("first");
            });
        });
        ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "first");
    }
    EXPECT_EQ(all.size(), 2U);
}

// Stops from random places, at random times, of random parts of random trees: each scope ends once, each frame dies
// once.
struct tree {
    std::mt19937 dice;
    std::vector<stop_source> sources;
    int begun = 0;
    int ended = 0;
    explicit tree(unsigned seed) : dice(seed), sources(8) {}
    int below(int n) { return static_cast<int>(dice() % static_cast<unsigned>(n)); }
};
struct ends_once {
    tree& t;
    explicit ends_once(tree& of) : t(of) { ++t.begun; }
    ends_once(const ends_once&) = delete;
    ends_once& operator=(const ends_once&) = delete;
    ~ends_once() { ++t.ended; }
};
task<> grow(tree& t, int depth, counted c) {
    const ends_once end(t);
    stop_source mine = t.sources[static_cast<std::size_t>(t.below(8))];
    auto body = [&](scope& s) -> task<> {
        const int children = t.below(4);
        for (int i = 0; i < children; ++i) {
            c.use();
            if (depth < 4)
                s.start(grow, std::ref(t), depth + 1, counted());
            else
                s.start([&t]() -> task<> { co_await sleep_for(std::chrono::milliseconds(t.below(20))); });
        }
        if (t.below(3) == 0) co_await sleep_for(std::chrono::milliseconds(t.below(20)));
        if (t.below(6) == 0) t.sources[static_cast<std::size_t>(t.below(8))].request_stop();
        if (t.below(8) == 0) s.stop();
    };
    scope_options options;
    options.exit = t.below(3) == 0 ? exit_mode::cancel : exit_mode::wait;
    auto whole = with_scope(options, body);
    co_await with_stop(mine.token(), std::move(whole));
}

TEST(abuse, C6_5_a_thousand_random_stops_end_each_scope_once) {
    bide::testing::virtual_time time;
    const unsigned first = std::random_device()();
    const int faults = counted::faults();
    for (unsigned i = 0; i < 1000; ++i) {
        SCOPED_TRACE("seed " + std::to_string(first + i));
        tree t(first + i);
        stopped_as_optional(grow(t, 0, counted())).wait();
        ASSERT_GT(t.begun, 0);
        ASSERT_EQ(t.begun, t.ended);
        ASSERT_EQ(counted::living(), 0);
        ASSERT_EQ(counted::faults(), faults);
    }
}

}  // namespace
