// SPDX-License-Identifier: BSL-1.0
//
// Clauses of the contract's section 3, each by itself, that scope_basics_test.cpp has not.
#include <bide/combine.hpp>
#include <bide/error.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/lives.hpp"
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
using log_of = std::vector<std::string>;

struct says {
    log_of& log;
    std::string what;
    says(log_of& l, std::string w) : log(l), what(std::move(w)) {}
    says(const says&) = delete;
    says& operator=(const says&) = delete;
    ~says() { log.push_back(what); }
};
task<> says_after(log_of& log, std::chrono::seconds d, std::string what) {
    co_await bide::sleep_for(d);
    log.push_back(std::move(what));
}
task<> fails_after(std::chrono::seconds d, std::string what) {
    co_await bide::sleep_for(d);
    throw std::runtime_error(what);
}

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

task<> eight(int, int, int, int, int, int, int, int) { co_await bide::sleep_for(1h); }

TEST(scope_rules, C3_4_exit_fail_knows_the_line_of_each_start_with_up_to_eight_arguments) {
    const bide::testing::virtual_time time;
    int first = 0;
    try {
        with_scope({.exit = exit_mode::fail}, [&](scope& s) {
            first = __LINE__ + 1;
            s.start(eight, 1, 2, 3, 4, 5, 6, 7, 8);
            s.start([]() -> task<> { co_await bide::sleep_for(1h); });
            s.start([]() -> task<> { co_return; });
            s.start(bide::sleep_for(1h));
            bide::sleep_for(1s).wait();              // the third has ended
            s.start([]() -> task<> { co_return; });  // has not begun
        });
        ADD_FAILURE();
    } catch (const bide::unfinished_tasks& e) {
        ASSERT_EQ(e.places().size(), 4U);
        const int lines[] = {first, first + 1, first + 3, first + 5};
        for (std::size_t i = 0; i < 4; ++i)
            EXPECT_NE(e.places()[i].find("scope_rules_test.cpp:" + std::to_string(lines[i]) + " "), std::string::npos)
                << e.places()[i];
    }
    EXPECT_EQ(time.elapsed(), 1s);  // they were cancelled
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

TEST(scope_rules, C3_6_keep_going_throws_even_one_failure_as_a_group_without_those_that_were_consumed) {
    const bide::testing::virtual_time time;
    const support::unhandled lost;
    try {
        with_scope({.error = error_mode::keep_going}, [](scope& s) {
            auto seen = s.start(fails_after, 1s, "seen");
            s.start(fails_after, 2s, "unseen");
            EXPECT_THROW(seen.wait(), std::runtime_error);
        });
        ADD_FAILURE();
    } catch (const bide::exception_group& group) {
        ASSERT_EQ(group.errors().size(), 1U);
        EXPECT_EQ(bide::describe(group.errors()[0]), "unseen");
    }
    EXPECT_EQ(lost.errors(), log_of());
}

TEST(scope_rules, C3_6_a_sibling_that_awaited_it_and_was_cancelled_first_has_not_consumed_it) {
    const bide::testing::virtual_time time;
    const support::unhandled lost;
    bide::future<> waits;
    EXPECT_THROW(with_scope({.error = error_mode::keep_going},
                            [&](scope& s) {
                                auto fails = s.start(fails_after, 2s, "boom");
                                waits = s.start([](bide::future<> f) -> task<> { co_await f; }, fails);
                                bide::sleep_for(1s).wait();
                                waits.stop();
                            }),
                 bide::exception_group);
    EXPECT_EQ(waits.status(), future_status::cancelled);
    EXPECT_EQ(lost.errors(), log_of());
}

TEST(scope_rules, C3_7_what_is_not_thrown_goes_to_the_list_or_else_to_the_hook) {
    const bide::testing::virtual_time time;
    const auto body = [](scope& s) {
        s.start(fails_after, 1s, "task");
        bide::sleep_for(2s).wait();
        throw std::out_of_range("body");
    };
    {
        const support::unhandled lost;
        EXPECT_THROW(with_scope({.error = error_mode::keep_going}, body), std::out_of_range);
        EXPECT_EQ(lost.errors(), log_of{"task"});
    }
    const support::unhandled lost;
    std::vector<std::exception_ptr> errors;
    EXPECT_THROW(with_scope({.error = error_mode::keep_going, .errors = &errors}, body), std::out_of_range);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(bide::describe(errors[0]), "task");
    EXPECT_EQ(lost.errors(), log_of());
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

TEST(scope_rules, C3_4_exit_modes_are_the_same_in_a_coroutine) {
    const bide::testing::virtual_time time;
    log_of log;
    const auto cancels = [&]() -> task<> {
        co_await with_scope({.exit = exit_mode::cancel}, [&](scope& s) -> task<> {
            s.start(
                [](log_of& l) -> task<> {
                    const says unwound(l, "unwound");
                    const auto clean = [&l]() -> task<> { co_await says_after(l, 1s, "cleaned up"); };
                    auto hour = bide::sleep_for(1h);
                    co_await bide::finally(hour, clean, 1min);
                },
                std::ref(log));
            co_await bide::sleep_for(1s);
            s.start(
                [](log_of& l) -> task<> {
                    l.push_back("never");
                    co_return;
                },
                std::ref(log));
        });
        log.push_back("after");
    };
    cancels().wait();
    EXPECT_EQ(log, (log_of{"cleaned up", "unwound", "after"}));
    EXPECT_EQ(time.elapsed(), 2s);
    const auto fails = []() -> task<> {
        co_await with_scope({.exit = exit_mode::fail}, [](scope& s) -> task<> {
            s.start(bide::sleep_for(1h));
            co_return;
        });
    };
    EXPECT_THROW(fails().wait(), bide::unfinished_tasks);
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
