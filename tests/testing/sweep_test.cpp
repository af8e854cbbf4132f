// SPDX-License-Identifier: BSL-1.0
#include <bide/future.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/testing/sweep.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::task;
using bide::testing::sweep_cancellation;
using bide::testing::sweep_run;

TEST(sweep_cancellation, C6_5_C16_4_stops_before_and_after_each_step) {
    const bide::testing::virtual_time time;
    std::string trace;
    std::vector<std::string> runs;
    const auto scenario = [&]() -> task<> {
        trace += 'a';
        co_await bide::sleep_for(1s);
        trace += 'b';
        co_await bide::sleep_for(1s);
        trace += 'c';
    };
    const auto swept = sweep_cancellation(scenario, [&](const sweep_run& run) {
        EXPECT_EQ(run.point, runs.size());
        EXPECT_EQ(run.reached, run.point != 0);
        runs.push_back(trace + (run.how == future_status::cancelled ? " cancelled" : ""));
        trace.clear();
    });
    // Before it begins; asleep; after the sleep's end, and asleep again; …; when it has ended.
    EXPECT_EQ(runs, (std::vector<std::string>{"abc", " cancelled", "a cancelled", "ab cancelled", "ab cancelled", "abc",
                                              "abc"}));
    EXPECT_EQ(swept.points, 6u);
    EXPECT_EQ(swept.cancelled, 4u);
    EXPECT_EQ(swept.succeeded, 2u);
    EXPECT_EQ(swept.missed, 0u);
}

TEST(sweep_cancellation, C6_5_C16_4_counts_what_the_scenario_starts) {
    const bide::testing::virtual_time time;
    int runs = 0;
    const auto scenario = [&]() -> task<int> {
        ++runs;
        co_await bide::with_scope([](bide::scope& s) -> task<> {
            for (int i = 0; i < 3; ++i) s.start([]() -> task<> { co_await bide::yield_now(); });
            co_return;
        });
        co_return 1;
    };
    const auto swept = sweep_cancellation(scenario);
    // The scenario begins, its scope goes on at its end, and the scenario after it; three begin and yield once.
    EXPECT_EQ(swept.points, 2u * (3 + 3 * 2));
    EXPECT_EQ(runs, 1 + 18 - 1);  // at the first point it has not begun
}

TEST(sweep_cancellation, C6_5_C16_4_finds_the_one_place_where_stopping_does_harm) {
    const bide::testing::virtual_time time;
    int balance = 0;
    const auto scenario = [&]() -> task<> {
        co_await bide::sleep_for(1s);
        balance -= 10;
        co_await bide::sleep_for(1s);  // stopped here, the ten are gone
        balance += 10;
    };
    std::vector<std::size_t> harm;
    sweep_cancellation(scenario, [&](const sweep_run& run) {
        if (balance != 0) harm.push_back(run.point);
        balance = 0;
    });
    EXPECT_EQ(harm, (std::vector<std::size_t>{3, 4}));
}

TEST(sweep_cancellation, C6_5_a_scenario_may_hold_a_stop_off) {
    const bide::testing::virtual_time time;
    const auto inner = []() -> task<int> {
        co_await bide::sleep_for(1s);
        co_return 7;
    };
    const auto scenario = [&]() -> task<int> { co_return co_await bide::shield(inner()); };
    const auto swept = sweep_cancellation(scenario);
    EXPECT_EQ(swept.points, 6u);     // it begins, the sleep ends, the shield ends
    EXPECT_EQ(swept.cancelled, 1u);  // before it began
    EXPECT_EQ(swept.succeeded, 5u);
}

std::string said(const std::exception& e) { return e.what(); }

TEST(sweep_cancellation, C2_7_C16_4_a_run_that_fails_ends_it_and_names_the_point) {
    const bide::testing::virtual_time time;
    const auto fails = [&]() -> task<> {
        auto kept = co_await bide::stopped_as_optional(bide::sleep_for(1s));
        if (!kept) throw std::runtime_error("not that robust");
    };
    try {
        sweep_cancellation(fails);
        ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
        EXPECT_NE(said(e).find("point 2 of 6"), std::string::npos) << e.what();
        EXPECT_NE(said(e).find("not that robust"), std::string::npos) << e.what();
        try {
            std::rethrow_if_nested(e);
            ADD_FAILURE() << "nothing is nested";
        } catch (const std::runtime_error& inner) {
            EXPECT_EQ(said(inner), "not that robust");
        }
    }
}

TEST(sweep_cancellation, C2_7_the_first_run_has_to_succeed) {
    const bide::testing::virtual_time time;
    const auto fails = []() -> task<> {
        co_await bide::yield_now();
        throw std::logic_error("at once");
    };
    EXPECT_THROW(sweep_cancellation(fails), std::runtime_error);
    const auto ends_cancelled = [&]() -> task<> {
        bide::stop_source quit;
        quit.request_stop();
        co_await bide::with_stop(quit.token(), bide::sleep_for(1s));
    };
    EXPECT_THROW(sweep_cancellation(ends_cancelled), std::runtime_error);
}

TEST(sweep_cancellation, C16_4_what_the_check_throws_comes_through) {
    const bide::testing::virtual_time time;
    const auto scenario = []() -> task<> { co_await bide::yield_now(); };
    EXPECT_THROW(sweep_cancellation(scenario,
                                    [](const sweep_run& run) {
                                        if (run.point == 2) throw std::out_of_range("2");
                                    }),
                 std::out_of_range);
}

TEST(sweep_cancellation, C7_2_results_that_another_thread_posts_count_too) {
    bide::loop_thread worker;
    worker.start();
    for (int round = 0; round < 50; ++round) {
        const auto scenario = [&]() -> task<int> {
            auto f = worker.submit([]() -> task<int> {
                co_await bide::yield_now();
                co_return 3;
            });
            co_return co_await f;
        };
        const auto swept = sweep_cancellation(scenario);
        EXPECT_GE(swept.points + swept.missed, 2u);  // begins; goes on, unless the result was there at once
        EXPECT_LE(swept.points + swept.missed, 4u);
    }
}

}  // namespace
