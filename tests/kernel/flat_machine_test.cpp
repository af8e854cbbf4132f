// SPDX-License-Identifier: BSL-1.0
//
// The flat machine (design rule 3): what may be a million deep or long, is, on an ordinary stack, with every compiler,
// optimisation level and sanitizer.
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

namespace {

using namespace std::chrono_literals;
using bide::task;

constexpr int million = 1'000'000;

task<int> one() { co_return 1; }
task<int> sum_of_ready(int n) {
    int sum = 0;
    for (int i = 0; i < n; ++i) sum += co_await one();
    co_return sum;
}

TEST(flat_machine, C19_1_a_million_awaits_of_ready_children) { EXPECT_EQ(sum_of_ready(million).wait(), million); }

struct counted {
    int& n;
    explicit counted(int& c) : n(++c) {}
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --n; }
};

task<int> chain(int depth, int& alive, bool suspend) {
    const counted here(alive);
    if (depth == 0) {
        if (suspend) co_await bide::sleep_for(1h);
        co_return 0;
    }
    co_return 1 + co_await chain(depth - 1, alive, suspend);
}

TEST(flat_machine, C19_1_a_chain_a_million_deep) {
    int alive = 0;
    EXPECT_EQ(chain(million, alive, false).wait(), million);
    EXPECT_EQ(alive, 0);
}

TEST(flat_machine, C19_1_a_chain_a_million_deep_that_suspends_at_its_leaf) {
    const bide::testing::virtual_time time;
    int alive = 0;
    EXPECT_EQ(chain(million, alive, true).wait(), million);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(time.elapsed(), 1h);
}

TEST(flat_machine, C19_1_a_chain_a_million_deep_is_cancelled) {
    const bide::testing::virtual_time time;
    int alive = 0;
    int at_stop = 0;
    bide::with_scope([&](bide::scope& s) {
        auto f = s.start(chain, million, std::ref(alive), true);
        bide::wait(bide::sleep_for(1s));
        at_stop = alive;
        f.stop();
    });
    EXPECT_EQ(at_stop, million + 1);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(time.elapsed(), 1s);
}

task<> holds(task<> inner) { co_await std::move(inner); }

TEST(flat_machine, C19_1_a_million_cold_frames_that_own_each_other) {
    task<> outermost = bide::detail::as_task(bide::yield_now());
    for (int i = 0; i < million; ++i) outermost = holds(std::move(outermost));
    outermost.wait();
    for (int round = 0; round < 1; ++round) {
        task<> dropped = bide::detail::as_task(bide::yield_now());
        for (int i = 0; i < million; ++i) dropped = holds(std::move(dropped));
    }  // destroyed, never started
    SUCCEED();
}

task<> throws_from(int depth, int& alive) {
    const counted here(alive);
    if (depth == 0) throw std::runtime_error("from the leaf");
    co_await throws_from(depth - 1, alive);
}

TEST(flat_machine, an_exception_through_ten_thousand_levels) {
    int alive = 0;
    EXPECT_THROW(throws_from(10'000, alive).wait(), std::runtime_error);
    EXPECT_EQ(alive, 0);
}

TEST(flat_machine, a_hundred_thousand_tasks_in_one_scope_are_cancelled) {
    const bide::testing::virtual_time time;
    int alive = 0;
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
        for (int i = 0; i < 100'000; ++i) s.start(chain, 0, std::ref(alive), true);
        bide::wait(bide::sleep_for(1s));
        EXPECT_EQ(alive, 100'000);
    });
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(time.elapsed(), 1s);
}

}  // namespace
