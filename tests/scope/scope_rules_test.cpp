// SPDX-License-Identifier: BSL-1.0
//
// Clauses of the contract's section 3, each by itself, that scope_test.cpp has not.
#include <bide/combine.hpp>
#include <bide/error.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/lives.hpp"
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

TEST(scope_rules, C3_1_the_bodys_locals_die_when_it_ends_before_the_tasks_are_joined) {
    const bide::testing::virtual_time time;
    log_of log;
    with_scope([&](scope& s) {
        const says local(log, "local");
        s.start(says_after, std::ref(log), 1s, "task");
    });
    EXPECT_EQ(log, (log_of{"local", "task"}));
    log.clear();
    const auto in_a_coroutine = [&]() -> task<> {
        co_await with_scope([&](scope& s) -> task<> {
            const says local(log, "local");
            s.start(says_after, std::ref(log), 1s, "task");
            co_return;
        });
    };
    in_a_coroutine().wait();
    EXPECT_EQ(log, (log_of{"local", "task"}));
}

TEST(scope_rules, C3_1_gives_what_the_body_gives_after_all_has_ended) {
    const bide::testing::virtual_time time;
    int outside = 3;
    log_of log;
    int& same = with_scope([&](scope& s) -> int& {
        s.start(says_after, std::ref(log), 1s, "task");
        return outside;
    });
    EXPECT_EQ(&same, &outside);
    EXPECT_EQ(log.size(), 1U);
    const auto in_a_coroutine = [&]() -> task<std::string> {
        co_return co_await with_scope([&](scope& s) -> task<std::string> {
            s.start(says_after, std::ref(log), 1s, "task");
            co_return "text";
        });
    };
    EXPECT_EQ(in_a_coroutine().wait(), "text");
    EXPECT_EQ(log.size(), 2U);
}

TEST(scope_rules, C3_2_tasks_complete_by_readiness_not_by_order) {
    const bide::testing::virtual_time time;
    log_of log;
    with_scope([&](scope& s) {
        s.start(says_after, std::ref(log), 3s, "first started");
        s.start(says_after, std::ref(log), 1s, "second started");
        s.start(says_after, std::ref(log), 2s, "third started");
    });
    EXPECT_EQ(log, (log_of{"second started", "third started", "first started"}));
}

TEST(scope_rules, C3_5_an_async_body_is_cancelled_at_its_next_suspension) {
    const bide::testing::virtual_time time;
    log_of log;
    const auto run = [&]() -> task<> {
        co_await with_scope([&](scope& s) -> task<> {
            const says unwound(log, "body unwound");
            s.start(fails_after, 1s, "boom");
            co_await bide::sleep_for(1h);
            log.push_back("not reached");
        });
    };
    EXPECT_THROW(run().wait(), std::runtime_error);
    EXPECT_EQ(log, log_of{"body unwound"});
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(scope_rules, C3_5_the_failure_of_the_body_cancels_the_tasks) {
    const bide::testing::virtual_time time;
    bide::future<> sleeps;
    const auto run = [&]() -> task<> {
        co_await with_scope([&](scope& s) -> task<> {
            sleeps = s.start(bide::sleep_for(1h));
            co_await bide::sleep_for(1s);
            throw std::out_of_range("the body");
        });
    };
    EXPECT_THROW(run().wait(), std::out_of_range);
    EXPECT_EQ(sleeps.status(), future_status::cancelled);
    try {
        sleeps.value();
        ADD_FAILURE();
    } catch (const bide::cancelled& c) {
        EXPECT_EQ(c.reason(), bide::stop_reason::sibling_failed);
    }
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(scope_rules, C3_6_the_first_failure_in_time_is_thrown_as_itself) {
    const bide::testing::virtual_time time;
    const support::unhandled lost;
    const auto other = []() -> task<> {
        co_await bide::sleep_for(1s);
        throw std::out_of_range("started last, failed first");
    };
    const auto cleans_badly = []() -> task<> {
        const auto clean = []() -> task<> {
            throw std::logic_error("failed while being cancelled");
            co_return;
        };
        auto hour = bide::sleep_for(1h);
        co_await bide::finally(hour, clean, 1min);
    };
    EXPECT_THROW(with_scope([&](scope& s) {
                     s.start(fails_after, 2s, "later");
                     s.start(cleans_badly);
                     s.start(other);
                 }),
                 std::out_of_range);
    EXPECT_EQ(lost.errors(), log_of{"failed while being cancelled"});  // 3.7: what is not thrown is not lost
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(scope_rules, C3_9_a_handle_outlives_its_scope_and_is_copyable) {
    support::life_count lives;
    std::vector<bide::scope_ref> handles;
    int ran = 0;
    with_scope([&](scope& s) {
        handles.assign(3, s.ref());
        for (auto& h : handles)
            h.start(
                [](int& n, support::counted) -> task<> {
                    ++n;
                    co_return;
                },
                std::ref(ran), support::counted(lives));
    });
    EXPECT_EQ(ran, 3);
    for (auto& h : handles)
        EXPECT_THROW(h.start([](support::counted) -> task<> { co_return; }, support::counted(lives)),
                     bide::scope_closed);
    EXPECT_EQ(lives.alive, 0);
}

TEST(scope_rules, C2_1_the_frame_dies_at_completion_and_only_the_result_lives_on) {
    support::life_count lives;
    bide::future<int> f;
    with_scope([&](scope& s) {
        f = s.start(
            [](support::counted c) -> task<int> {
                const support::counted local(c);
                co_await bide::yield_now();
                co_return 3;
            },
            support::counted(lives));
        static_cast<void>(f.wait());
        EXPECT_EQ(lives.alive, 0);  // locals, parameters, and the arguments that start() had copied
    });
    EXPECT_EQ(f.value(), 3);
}

TEST(scope_rules, C3_10_a_cancelled_sync_scope_ends_cancelled_and_its_task_with_it) {
    const bide::testing::virtual_time time;
    log_of log;
    const auto stands_at_its_end = [&]() -> task<> {
        const says unwound(log, "task unwound");
        const auto plain = [&] {
            with_scope([&](scope& s) {
                s.start(
                    [](log_of& l) -> task<> {
                        const says inner(l, "inner unwound");
                        co_await bide::sleep_for(1h);
                    },
                    std::ref(log));
            });
        };
        plain();
        log.push_back("not reached");
        co_return;
    };
    EXPECT_THROW(bide::wait(bide::with_timeout(1s, stands_at_its_end())), bide::timed_out);
    EXPECT_EQ(log, (log_of{"inner unwound", "task unwound"}));
}

TEST(scope_rules, C18_1_start_keeps_the_callable_and_the_arguments_until_the_task_has_ended) {
    const bide::testing::virtual_time time;
    support::life_count captured;
    support::life_count given;
    int at_the_end = -1;
    with_scope([&](scope& s) {
        {
            // Both are gone when the task begins; what it has are copies of its own.
            auto callable = [c = support::counted(captured), &at_the_end](support::counted argument) -> task<> {
                co_await bide::sleep_for(1s);
                at_the_end = c.count().alive + argument.count().alive;
            };
            const support::counted argument(given);
            s.start(callable, argument);
        }
        EXPECT_EQ(captured.alive, 1);
        EXPECT_EQ(given.alive, 1);
        bide::sleep_for(500ms).wait();
        EXPECT_EQ(captured.alive, 1);
        EXPECT_GE(given.alive, 1);
        bide::sleep_for(1s).wait();
        EXPECT_EQ(captured.alive + given.alive, 0) << "the task has ended, the scope has not";
    });
    EXPECT_GE(at_the_end, 2);
}
TEST(scope_rules, C18_1_start_passes_a_reference_by_std_ref) {
    std::string text = "before";
    with_scope([&](scope& s) {
        s.start(
            [](std::string& t) -> task<> {
                t = "after";
                co_return;
            },
            std::ref(text));
    });
    EXPECT_EQ(text, "after");
}

}  // namespace
