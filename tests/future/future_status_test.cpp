// SPDX-License-Identifier: BSL-1.0
#include <bide/future_status.hpp>

#include <bide/future.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::task;

TEST(future_status, C2_1_of_a_promise_each_completion_has_its_own) {
    bide::promise<int> value;
    bide::promise<int> failure;
    bide::promise<int> cancelled;
    const bide::future<int> all[] = {value.get_future(), failure.get_future(), cancelled.get_future()};
    for (const auto& f : all) EXPECT_EQ(f.status(), future_status::pending);
    value.set_value(1);
    failure.set_exception(std::make_exception_ptr(std::runtime_error("boom")));
    cancelled.set_cancelled();
    EXPECT_EQ(all[0].status(), future_status::succeeded);
    EXPECT_EQ(all[1].status(), future_status::failed);
    EXPECT_EQ(all[2].status(), future_status::cancelled);
    EXPECT_THROW(all[1].wait(), std::runtime_error);
}

TEST(future_status, C2_1_C2_6_of_a_promise_that_is_dropped_it_is_failed) {
    bide::future<int> f;
    {
        bide::promise<int> p;
        f = p.get_future();
    }
    EXPECT_EQ(f.status(), future_status::failed);
    EXPECT_THROW(f.wait(), bide::broken_promise);
}

TEST(future_status, C2_1_of_a_started_task_it_is_pending_until_the_task_has_ended) {
    const bide::testing::virtual_time time;
    bide::with_scope([](bide::scope& s) {
        const auto f = s.start([]() -> task<> { co_await bide::sleep_for(2s); });
        EXPECT_EQ(f.status(), future_status::pending);  // not begun
        bide::sleep_for(1s).wait();
        EXPECT_EQ(f.status(), future_status::pending);  // it sleeps
        bide::sleep_for(2s).wait();
        EXPECT_EQ(f.status(), future_status::succeeded);
    });
}

TEST(future_status, C2_1_C2_4_of_a_task_that_leaves_with_cancelled_the_stop_request_decides) {
    const bide::testing::virtual_time time;
    const auto leaves = []() -> task<> {
        co_await bide::sleep_for(1s);
        throw bide::cancelled(bide::stop_reason::user);
    };
    const auto leaves_when_stopped = []() -> task<> {
        co_await bide::shield(bide::sleep_for(2s));
        throw bide::cancelled(bide::stop_reason::user);
    };
    bide::with_scope({.error = bide::error_mode::keep_going}, [&](bide::scope& s) {
        const auto unasked = s.start(leaves);
        EXPECT_THROW(unasked.wait(), bide::cancelled);
        EXPECT_EQ(unasked.status(), future_status::failed);
        const auto asked = s.start(leaves_when_stopped);
        bide::sleep_for(1s).wait();
        asked.stop();
        EXPECT_THROW(asked.wait(), bide::cancelled);
        EXPECT_EQ(asked.status(), future_status::cancelled);
    });
}

TEST(future_status, C2_1_C3_8_of_a_stopped_task_that_has_its_value_it_is_succeeded_for_good) {
    const bide::testing::virtual_time time;
    bide::future<int> f;
    bide::with_scope([&](bide::scope& s) {
        f = s.start([]() -> task<int> {
            co_await bide::sleep_for(1s);
            co_return 5;
        });
        bide::sleep_for(1s).wait();
        f.stop();  // too late: the value is there, or on its way
        EXPECT_EQ(f.wait(), 5);
        f.stop();
        EXPECT_EQ(f.status(), future_status::succeeded);
    });
    EXPECT_EQ(f.status(), future_status::succeeded);
}

}  // namespace
