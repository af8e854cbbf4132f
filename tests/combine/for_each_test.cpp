// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>
#include <bide/for_each.hpp>

#include "support/threads.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

struct wrong : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::vector<int> numbers(int n) {
    std::vector<int> v(static_cast<std::size_t>(n));
    std::iota(v.begin(), v.end(), 0);
    return v;
}

TEST(parallel_loops, C10_1_C18_11_for_each_visits_every_element_once) {
    bide::pool p(3);
    for (const int n : {0, 1, 2, 63, 64, 65, 1000, 100'000}) {
        std::vector<int> v(static_cast<std::size_t>(n));
        bide::for_each(p, v, [](int& x) { ++x; }).wait();
        EXPECT_EQ(std::count(v.begin(), v.end(), 1), n);
    }
}

// A container stays where it is, unless it is handed over; a view is copied.
TEST(parallel_loops, C10_1_every_kind_of_range) {
    bide::pool p(2);
    const std::vector<int> fixed = numbers(100);
    std::atomic<long> sum{0};
    const auto add = [&](int x) { sum += x; };
    bide::for_each(p, fixed, add).wait();
    bide::for_each(p, numbers(100), add).wait();
    bide::for_each(p, std::span<const int>(fixed), add).wait();
    std::span<const int> view(fixed);
    bide::task<> later = bide::for_each(p, view, add);
    view = {};
    std::move(later).wait();
    bide::for_each(p, fixed | std::views::transform([](int x) { return 2 * x; }), add).wait();
    bide::for_each(p, std::views::iota(0, 100), add).wait();
    std::vector<std::unique_ptr<int>> owners;
    owners.push_back(std::make_unique<int>(5));
    bide::for_each(p, std::move(owners), [&](const std::unique_ptr<int>& x) { sum += *x; }).wait();
    int array[] = {1, 2, 3};
    bide::for_each(array, [](int& x) { ++x; }).wait();
    EXPECT_EQ(sum, 7 * 4950 + 5);
    EXPECT_EQ(array[0] + array[1] + array[2], 9);
}

bide::task<long> sum_inside(bide::pool& p, int n) {
    std::atomic<long> sum{0};
    const auto add = [&](int x) -> bide::task<> {
        co_await bide::yield_now();
        sum += x;
    };
    co_await bide::for_each(p, numbers(n), add);
    co_return sum.load();
}

TEST(parallel_loops, C10_1_C18_11_what_the_function_gives_is_awaited) {
    bide::pool p(2);
    EXPECT_EQ(sum_inside(p, 1000).wait(), 499'500);
}

TEST(parallel_loops, C10_1_C18_11_without_a_pool_it_runs_where_the_task_does) {
    std::vector<int> v(100);
    const std::thread::id here = std::this_thread::get_id();
    bide::for_each(v, [&](int& x) { x = std::this_thread::get_id() == here ? 1 : 0; }).wait();
    EXPECT_EQ(std::count(v.begin(), v.end(), 1), 100);
}

TEST(parallel_loops, C10_1_C18_11_transform_reduce_joins_in_the_order_of_the_range) {
    bide::pool p(3);
    const auto digits = [](int x) { return std::to_string(x % 10); };
    std::string expected = "begin";
    for (const int x : numbers(5000)) expected += digits(x);
    EXPECT_EQ(bide::transform_reduce(p, numbers(5000), std::string("begin"), std::plus<>(), digits).wait(), expected);
    EXPECT_EQ(bide::transform_reduce(p, numbers(0), std::string("begin"), std::plus<>(), digits).wait(), "begin");
}

TEST(parallel_loops, C5_1_C18_11_the_first_failure_ends_the_loop) {
    bide::pool p(2);
    std::atomic<int> calls{0};
    const auto f = [&](int x) {
        ++calls;
        if (x == 500) throw wrong("500");
    };
    EXPECT_THROW(bide::for_each(p, numbers(1000), f).wait(), wrong);
    EXPECT_LE(calls, 1000);
}

// An element that computes until the loop is asked to stop: the request of the one that fails has to reach it.
TEST(parallel_loops, C6_5_a_failure_reaches_what_computes) {
    bide::pool p(2);
    support::gate begun;
    const auto f = [&](int x) {
        if (x == 1) {
            begun.pass();
            throw wrong("1");
        }
        if (x == 0) {
            begun.open();
            while (!bide::stop_requested()) std::this_thread::yield();
        }
    };
    EXPECT_THROW(bide::for_each(p, numbers(2), f).wait(), wrong);
}

TEST(parallel_loops, C6_5_C18_11_a_stop_ends_the_loop_between_two_elements) {
    bide::pool p(2);
    std::atomic<long> calls{0};
    const std::vector<int> v = numbers(100);
    support::gate begun;
    auto f = p.submit([&]() -> bide::task<> {
        return bide::for_each(v, [&](int) {
            ++calls;
            begun.open();
            while (!bide::stop_requested()) std::this_thread::yield();
        });
    });
    begun.pass();
    f.stop();
    EXPECT_THROW(f.wait(), bide::cancelled);
    EXPECT_LE(calls, 2);
}

// Elements that begin together: the range is spread over all workers, however few elements it has.
TEST(parallel_loops, C10_2_as_many_elements_as_workers_run_at_the_same_time) {
    bide::pool p(4);
    support::arrivals there;
    bide::for_each(p, numbers(4), [&](int) {
        there.arrive();
        there.await(4);
    }).wait();
    EXPECT_EQ(there.count(), 4);
}

}  // namespace
