// SPDX-License-Identifier: BSL-1.0
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::error_mode;
using bide::exit_mode;
using bide::scope;
using bide::task;
using bide::with_scope;

struct marks_end {
    std::vector<std::string>& log;
    std::string what;
    marks_end(std::vector<std::string>& l, std::string w) : log(l), what(std::move(w)) {}
    ~marks_end() { log.push_back(what); }
};

task<> say(std::vector<std::string>& log, std::string what, std::chrono::milliseconds after) {
    co_await bide::sleep_for(after);
    log.push_back(what);
}
task<> fail(std::string what, std::chrono::milliseconds after) {
    co_await bide::sleep_for(after);
    throw std::runtime_error(what);
}
task<> lives(std::vector<std::string>& log, std::string what) {
    const marks_end end(log, what);
    co_await bide::sleep_for(1h);
    log.push_back("never");
}

TEST(scope, C3_1_when_it_returns_everything_has_ended) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    with_scope([&](scope& s) {
        s.start(say, std::ref(log), "slow", 20ms);
        s.start(say, std::ref(log), "quick", 10ms);
        log.push_back("body");
    });
    EXPECT_EQ(log, (std::vector<std::string>{"body", "quick", "slow"}));
}

TEST(scope, C3_1_join_in_the_body_waits_for_what_was_started_so_far) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    auto async_form = [&]() -> task<> {
        co_await with_scope([&](scope& s) -> task<> {
            s.start(say, std::ref(log), "first", 20ms);
            co_await s.join();
            log.push_back("joined");
            s.start(say, std::ref(log), "second", 10ms);
        });
    };
    async_form().wait();
    EXPECT_EQ(log, (std::vector<std::string>{"first", "joined", "second"}));
    log.clear();
    with_scope([&](scope& s) {
        s.start(say, std::ref(log), "first", 20ms);
        s.join().wait();
        log.push_back("joined");
    });
    EXPECT_EQ(log, (std::vector<std::string>{"first", "joined"}));
}

TEST(scope, C3_1_a_cancelled_async_body_is_unwound_after_its_tasks_ended) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    auto run = [&]() -> task<> {
        co_await with_scope([&](scope& s) -> task<> {
            const marks_end body(log, "body unwound");
            s.start(lives, std::ref(log), "task ended");
            s.start(fail, "the reason", 1ms);
            co_await bide::sleep_for(1h);
        });
    };
    EXPECT_THROW(run().wait(), std::runtime_error);
    EXPECT_EQ(log, (std::vector<std::string>{"task ended", "body unwound"}));
}

TEST(scope, C3_2_tasks_start_at_the_first_switch_in_the_order_of_start) {
    std::vector<int> order;
    with_scope([&](scope& s) {
        for (int i = 0; i < 5; ++i)
            s.start(
                [&order](int n) -> task<> {
                    order.push_back(n);
                    co_return;
                },
                i);
        order.push_back(-1);  // the body
    });
    EXPECT_EQ(order, (std::vector<int>{-1, 0, 1, 2, 3, 4}));
}

TEST(scope, C3_3_nested_scopes_advance_the_outer_tasks) {
    const std::vector<std::string> expected{"outer 1", "inner 1", "outer 1.5", "inner 2", "outer .5"};
    {
        const bide::testing::virtual_time time;
        std::vector<std::string> log;
        with_scope([&](scope& outer) {
            outer.start(say, std::ref(log), "outer 1.5", 1500ms);
            outer.start(say, std::ref(log), "outer 1", 1000ms);
            with_scope([&](scope& inner) {
                inner.start(say, std::ref(log), "inner 2", 2000ms);
                inner.start(say, std::ref(log), "inner 1", 1000ms);
            });
            outer.start(say, std::ref(log), "outer .5", 500ms);
        });
        EXPECT_EQ(log, expected);
        EXPECT_EQ(time.elapsed(), 2500ms);
    }
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    auto nested = [&]() -> task<> {
        co_await with_scope([&](scope& outer) -> task<> {
            outer.start(say, std::ref(log), "outer 1.5", 1500ms);
            outer.start(say, std::ref(log), "outer 1", 1000ms);
            co_await with_scope([&](scope& inner) -> task<> {
                inner.start(say, std::ref(log), "inner 2", 2000ms);
                inner.start(say, std::ref(log), "inner 1", 1000ms);
                co_return;
            });
            outer.start(say, std::ref(log), "outer .5", 500ms);
        });
    };
    nested().wait();
    EXPECT_EQ(log, expected);
}

TEST(scope, C3_4_exit_cancel_ends_what_runs_and_never_runs_what_has_not_begun) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    with_scope({.exit = exit_mode::cancel}, [&](scope& s) {
        s.start(lives, std::ref(log), "cleaned up");
        bide::wait(bide::sleep_for(1s));
        s.start(say, std::ref(log), "never begun", 0ms);
    });
    EXPECT_EQ(log, std::vector<std::string>{"cleaned up"});
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(scope, C3_4_exit_fail_names_the_lines_of_the_unfinished) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    try {
        with_scope({.exit = exit_mode::fail}, [&](scope& s) {
            s.start(lives, std::ref(log), "a");
            s.start(lives, std::ref(log), "b");
        });
        FAIL() << "nothing was thrown";
    } catch (const bide::unfinished_tasks& e) {
        ASSERT_EQ(e.places().size(), 2U);
        EXPECT_NE(e.places()[0].find("scope_test.cpp:" + std::to_string(__LINE__ - 6)), std::string::npos) << e.what();
    }
    EXPECT_NO_THROW(with_scope({.exit = exit_mode::fail}, [](scope&) {}));
}

TEST(scope, C3_5_the_first_failure_cancels_this_scope_only) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    with_scope([&](scope& outer) {
        outer.start(say, std::ref(log), "outer untouched", 1s);
        try {
            with_scope([&](scope& inner) {
                inner.start(lives, std::ref(log), "sibling cancelled");
                inner.start(fail, "boom", 10ms);
            });
            ADD_FAILURE() << "nothing was thrown";
        } catch (const std::runtime_error& e) {
            log.push_back(e.what());
        }
    });
    EXPECT_EQ(log, (std::vector<std::string>{"sibling cancelled", "boom", "outer untouched"}));
}

TEST(scope, C3_5_a_sync_body_is_not_interrupted_but_its_later_waits_end_cancelled) {
    const bide::testing::virtual_time time;
    bool wait_threw = false;
    EXPECT_THROW(with_scope([&](scope& s) {
                     auto f = s.start(fail, "first", 1ms);
                     while (f.status() == bide::future_status::pending) {
                         try {
                             bide::wait(bide::sleep_for(2ms));
                         } catch (const bide::cancelled&) {
                             wait_threw = true;
                             throw;
                         }
                     }
                 }),
                 std::runtime_error);
    EXPECT_TRUE(wait_threw);
}

TEST(scope, C3_5_C9_4_a_waiter_of_the_failing_task_gets_its_failure_before_any_cancellation) {
    const bide::testing::virtual_time time;
    std::string seen;
    EXPECT_THROW(with_scope([&](scope& s) {
                     auto failing = s.start(fail, "its own", 1ms);
                     s.start([&, failing]() -> task<> {
                         try {
                             co_await failing;
                         } catch (const std::runtime_error& e) {
                             seen = e.what();
                         }
                         co_await bide::sleep_for(1h);  // unfinished: cancelled by the failure
                     });
                 }),
                 std::runtime_error);
    EXPECT_EQ(seen, "its own");
}

TEST(scope, C3_5_keep_going_lets_the_others_run_to_their_end) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    try {
        with_scope({.error = error_mode::keep_going}, [&](scope& s) {
            s.start(fail, "started first", 20ms);
            s.start(fail, "started second", 10ms);
            s.start(say, std::ref(log), "finished", 30ms);
        });
        FAIL() << "nothing was thrown";
    } catch (const bide::exception_group& group) {  // 3.6: in start order
        ASSERT_EQ(group.errors().size(), 2U);
        EXPECT_EQ(bide::describe(group.errors()[0]), "started first");
        EXPECT_EQ(bide::describe(group.errors()[1]), "started second");
    }
    EXPECT_EQ(log, std::vector<std::string>{"finished"});
}

TEST(scope, C3_6_a_failure_that_was_waited_for_is_not_thrown_again) {
    const bide::testing::virtual_time time;
    EXPECT_NO_THROW(with_scope([](scope& s) {
        auto f = s.start(fail, "seen", 1ms);
        EXPECT_THROW(f.wait(), std::runtime_error);
    }));
}

TEST(scope, C3_6_unless_it_cancelled_something_unfinished) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    EXPECT_THROW(with_scope([&](scope& s) {
                     s.start(lives, std::ref(log), "cancelled");
                     auto f = s.start(fail, "seen", 1ms);
                     EXPECT_THROW(f.wait(), std::runtime_error);
                 }),
                 std::runtime_error);
}

TEST(scope, C3_7_errors_receives_every_failure) {
    const bide::testing::virtual_time time;
    std::vector<std::exception_ptr> errors;
    EXPECT_THROW(with_scope({.error = error_mode::keep_going, .errors = &errors},
                            [&](scope& s) {
                                s.start(fail, "a", 1ms);
                                s.start(fail, "b", 2ms);
                            }),
                 bide::exception_group);
    EXPECT_EQ(errors.size(), 2U);
}

TEST(scope, C3_7_the_bodys_exception_goes_on) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    EXPECT_THROW(with_scope([&](scope& s) {
                     s.start(lives, std::ref(log), "cancelled");
                     bide::wait(bide::yield_now());
                     throw std::invalid_argument("the body's");
                 }),
                 std::invalid_argument);
    EXPECT_EQ(log, std::vector<std::string>{"cancelled"});
}

TEST(scope, C3_7_cancellations_alone_never_throw) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    EXPECT_NO_THROW(with_scope([&](scope& s) {
        auto f = s.start(lives, std::ref(log), "stopped");
        bide::wait(bide::yield_now());
        f.stop();
    }));
    EXPECT_EQ(log, std::vector<std::string>{"stopped"});
}

TEST(scope, C3_8_a_value_returned_in_spite_of_a_stop_arrives) {
    const bide::testing::virtual_time time;
    bide::future<int> f;
    with_scope([&](scope& s) {
        f = s.start([]() -> task<int> { co_return 7; });
        f = s.start([](bide::future<int> own) -> task<int> { co_return own.valid() ? 8 : 0; }, f);
        s.start([&]() -> task<> {
            f.stop();
            co_return;
        });
    });
    EXPECT_EQ(f.value(), 8);
}

TEST(scope, C3_9_a_draining_scope_takes_starts_of_its_own_tasks_to_any_depth) {
    std::vector<int> order;
    struct deeper {
        static task<> go(std::vector<int>& log, scope& s, int n) {
            log.push_back(n);
            if (n < 100) s.start(&deeper::go, std::ref(log), std::ref(s), n + 1);
            co_return;
        }
    };
    with_scope([&](scope& s) { s.start(&deeper::go, std::ref(order), std::ref(s), 0); });
    EXPECT_EQ(order.size(), 101U);
}

TEST(scope, C3_9_a_foreign_thread_starts_into_a_draining_scope) {
    std::atomic<int> ran{0};
    std::thread other;
    with_scope([&](scope& s) {
        s.start([&]() -> task<> {
            bide::promise<> begun;
            auto ready = begun.get_future();
            other = std::thread([ref = s.ref(), &ran, b = std::move(begun)]() mutable {
                ref.start([&ran]() -> task<> {
                    ++ran;
                    co_return;
                });
                b.set_value();
            });
            co_await ready;
        });
    });
    other.join();
    EXPECT_EQ(ran, 1);
}

TEST(scope, C3_9_a_start_after_the_end_throws_and_runs_nothing) {
    std::optional<bide::scope_ref> ref;
    with_scope([&](scope& s) { ref = s.ref(); });
    auto argument = std::make_shared<int>(1);
    int called = 0;
    EXPECT_THROW(ref->start(
                     [&called](std::shared_ptr<int>) -> task<> {
                         ++called;
                         co_return;
                     },
                     argument),
                 bide::scope_closed);
    EXPECT_EQ(called, 0);
    EXPECT_EQ(argument.use_count(), 1);
}

TEST(scope, C3_10_cancelling_the_task_at_the_scopes_end_cancels_joins_and_goes_on_outwards) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    bide::future<> outer;
    with_scope([&](scope& s) {
        outer = s.start([&]() -> task<> {
            const marks_end end(log, "outer unwound");
            co_await with_scope([&](scope& inner) -> task<> {
                inner.start(lives, std::ref(log), "inner cancelled");
                co_return;
            });
            log.push_back("went on");
        });
        bide::wait(bide::sleep_for(1s));
        outer.stop();
    });
    EXPECT_EQ(log, (std::vector<std::string>{"inner cancelled", "outer unwound"}));
    EXPECT_EQ(outer.status(), bide::future_status::cancelled);
}

// It stands at the end: that is a wait, which a stop ends, whatever the tasks made of theirs.
TEST(scope, C3_10_the_task_at_the_scopes_end_is_cancelled_also_when_its_tasks_ignore_the_stop) {
    bide::testing::virtual_time time;
    bool went_on = false;
    int arrived = 0;
    const auto ignores = [&]() -> bide::task<int> {
        co_await bide::shield(bide::sleep_for(std::chrono::seconds(2)));
        co_return ++arrived;
    };
    auto body = [&](bide::scope& s) -> bide::task<> {
        s.start(ignores);
        s.start(ignores);
        co_return;
    };
    const auto stands = [&]() -> bide::task<> {
        co_await bide::with_scope(body);
        went_on = true;
    };
    EXPECT_THROW(bide::with_timeout(std::chrono::seconds(1), stands()).wait(), bide::timed_out);
    EXPECT_FALSE(went_on);
    EXPECT_EQ(arrived, 2);  // joined

    // In plain code.
    arrived = 0;
    const bide::stop_source quit;
    const auto plain = [&]() -> bide::task<> {
        bide::with_scope([&](bide::scope& s) {
            s.start(ignores);
            s.start([&]() -> bide::task<> {
                quit.request_stop();
                co_return;
            });
        });
        went_on = true;
        co_return;
    };
    EXPECT_THROW(bide::with_stop(quit.token(), plain()).wait(), bide::cancelled);
    EXPECT_FALSE(went_on);
    EXPECT_EQ(arrived, 1);
}

TEST(scope, C3_11_the_rate_limiter) {
    const bide::testing::virtual_time time;
    struct limiter {
        int tokens = 3;
        task<> refill() {
            for (;;) {
                co_await bide::sleep_for(1s);
                tokens = std::min(tokens + 1, 3);
            }
        }
        task<> take() {
            while (tokens == 0) co_await bide::yield_now();
            --tokens;
        }
    } limit;
    std::vector<long> at;
    with_scope({.exit = exit_mode::cancel}, [&](scope& service) {
        service.start([&] { return limit.refill(); });
        with_scope([&](scope& batch) {
            for (int i = 0; i < 6; ++i)
                batch.start([&]() -> task<> {
                    co_await limit.take();
                    at.push_back(std::chrono::duration_cast<std::chrono::seconds>(time.elapsed()).count());
                });
        });
    });
    EXPECT_EQ(at, (std::vector<long>{0, 0, 0, 1, 2, 3}));
}

TEST(scope, C9_5_nothing_of_a_failed_scope_resumes_in_a_later_call) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    EXPECT_THROW(with_scope([&](scope& s) {
                     s.start(say, std::ref(log), "left over", 1s);
                     throw std::runtime_error("body");
                 }),
                 std::runtime_error);
    bide::wait(bide::sleep_for(10s));
    EXPECT_TRUE(log.empty());
}

}  // namespace
