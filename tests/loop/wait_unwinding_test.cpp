// SPDX-License-Identifier: BSL-1.0
//
// 2.4, 3.1: wait() and with_scope() in destructors, while an exception or a cancellation unwinds the code around them.
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include "support/unhandled.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;
using bide::task;

struct at_exit {
    std::function<void()> f;
    explicit at_exit(std::function<void()> g) : f(std::move(g)) {}
    ~at_exit() { f(); }
};
struct not_default {
    explicit not_default(int v) : value(v) {}
    int value;
};

task<int> later(int i) {
    co_await bide::sleep_for(1s);
    co_return i;
}
task<int> fails_later() {
    co_await bide::sleep_for(1s);
    throw std::runtime_error("the cleanup failed");
}
task<> sleeps_for_ever() { co_await bide::sleep_for(std::chrono::hours::max()); }

/// Runs `cleanup` in a destructor of a task that is cancelled.
void while_cancelled(const std::function<void()>& cleanup) {
    bide::with_scope([&](bide::scope& s) {
        bide::future<> f = s.start([&]() -> task<> {
            const at_exit now(cleanup);
            co_await sleeps_for_ever();
        });
        bide::wait(bide::sleep_for(1s));
        f.stop();
    });
}
/// Runs `cleanup` in a destructor of plain code that an exception unwinds.
void while_thrown_through(const std::function<void()>& cleanup) {
    EXPECT_THROW(
        {
            const at_exit now(cleanup);
            throw std::logic_error("unwinds");
        },
        std::logic_error);
}
/// Runs `cleanup` in a destructor of a task that an exception unwinds.
void while_thrown_through_a_task(const std::function<void()>& cleanup) {
    const auto t = [&]() -> task<> {
        const at_exit now(cleanup);
        co_await bide::sleep_for(1s);
        throw std::logic_error("unwinds");
    };
    EXPECT_THROW(t().wait(), std::logic_error);
}

class wait_unwinding : public testing::TestWithParam<void (*)(const std::function<void()>&)> {
protected:
    bide::testing::virtual_time time;
    support::unhandled failures;
};
INSTANTIATE_TEST_SUITE_P(each, wait_unwinding,
                         testing::Values(&while_cancelled, &while_thrown_through, &while_thrown_through_a_task));

TEST_P(wait_unwinding, C2_4_a_wait_works) {
    int got = 0;
    GetParam()([&] { got = later(5).wait(); });
    EXPECT_EQ(got, 5);
    EXPECT_EQ(failures.errors().size(), 0U);
}
TEST_P(wait_unwinding, C2_4_a_wait_is_not_reached_by_the_stop_that_unwinds) {
    bool cleaned = false;
    GetParam()([&] {
        const auto cleanup = [&]() -> task<> {
            co_await bide::sleep_for(1s);
            const auto nested = [&]() -> task<> {
                co_await bide::sleep_for(1s);
                cleaned = true;
            };
            co_await nested();
        };
        cleanup().wait();
    });
    EXPECT_TRUE(cleaned);
}
TEST_P(wait_unwinding, C2_4_a_wait_never_throws_its_failure_goes_to_the_hook) {
    int got = -1;
    GetParam()([&] { got = fails_later().wait(); });
    EXPECT_EQ(got, 0);
    EXPECT_EQ(failures.errors(), std::vector<std::string>{"the cleanup failed"});
}
TEST_P(wait_unwinding, C2_4_a_wait_for_a_future_never_throws_either) {
    int got = -1;
    std::string text = "before";
    GetParam()([&] {
        bide::promise<int> p;
        const bide::future<int> f = p.get_future();
        p.set_exception(std::make_exception_ptr(std::runtime_error("ready failure")));
        got = f.wait();
        bide::promise<std::string> q;
        bide::future<std::string> g = q.get_future();
        q.set_exception(std::make_exception_ptr(std::runtime_error("moved failure")));
        text = std::move(g).wait();
        bide::promise<> r;
        const bide::future<> h = r.get_future();
        r.set_exception(std::make_exception_ptr(std::runtime_error("void failure")));
        h.wait();
    });
    EXPECT_EQ(got, 0);
    EXPECT_EQ(text, "");
    EXPECT_EQ(failures.errors(), (std::vector<std::string>{"ready failure", "moved failure", "void failure"}));
}
TEST_P(wait_unwinding, C2_4_a_wait_for_a_pending_future_that_fails_or_is_cancelled_never_throws) {
    int got = -1;
    bool passed = false;
    GetParam()([&] {
        bide::with_scope([&](bide::scope& s) {
            const bide::future<int> f = s.start(fails_later);
            got = f.wait();
            const bide::future<> g = s.start(sleeps_for_ever);
            g.stop();
            g.wait();
            passed = true;
        });
    });
    EXPECT_EQ(got, 0);
    EXPECT_TRUE(passed);
    EXPECT_GE(failures.errors().size(), 1U);
    EXPECT_EQ(failures.errors()[0], "the cleanup failed");
}
TEST_P(wait_unwinding, C2_4_a_cleanup_that_was_cancelled_is_no_failure) {
    GetParam()([&] {
        bide::with_scope([&](bide::scope& s) {
            const bide::future<> f = s.start(sleeps_for_ever);
            f.stop();
        });
    });
    EXPECT_EQ(failures.errors().size(), 0U);
}
TEST_P(wait_unwinding, C3_1_a_scope_works_and_its_tasks_run_to_their_end) {
    std::string steps;
    GetParam()([&] {
        bide::with_scope([&](bide::scope& s) {
            s.start([&]() -> task<> {
                co_await bide::sleep_for(2s);
                steps += '2';
            });
            s.start([&]() -> task<> {
                co_await bide::sleep_for(1s);
                steps += '1';
            });
        });
        steps += '.';
    });
    EXPECT_EQ(steps, "12.");
}
TEST_P(wait_unwinding, C3_1_a_scope_whose_tasks_fail_never_throws_there) {
    bool passed = false;
    GetParam()([&] {
        bide::with_scope([&](bide::scope& s) { s.start(fails_later); });
        passed = true;
    });
    EXPECT_TRUE(passed);
    EXPECT_EQ(failures.errors(), std::vector<std::string>{"the cleanup failed"});
}
TEST_P(wait_unwinding, C2_4_code_inside_of_such_a_wait_is_not_shielded_itself) {
    bool thrown = false;
    GetParam()([&] {
        const auto cleanup = [&]() -> task<> {
            try {
                fails_later().wait();  // an ordinary wait, in an ordinary task
            } catch (const std::runtime_error&) {
                thrown = true;
            }
            co_return;
        };
        cleanup().wait();
    });
    EXPECT_TRUE(thrown);
    EXPECT_EQ(failures.errors().size(), 0U);
}
TEST_P(wait_unwinding, C2_4_a_loop_that_is_run_there_is_an_ordinary_one) {
    bool thrown = false;
    GetParam()([&] {
        bide::loop l;
        auto f = l.submit([&]() -> task<> {
            try {
                fails_later().wait();
            } catch (const std::runtime_error&) {
                thrown = true;
            }
            co_return;
        });
        l.run();
    });
    EXPECT_TRUE(thrown);
}

TEST(wait, C2_4_a_failed_wait_during_unwinding_without_a_value_to_give_is_the_only_one_that_throws) {
    const support::unhandled failures;
    bool thrown = false;
    while_thrown_through([&] {
        const auto fails = []() -> task<not_default> {
            throw std::runtime_error("the cleanup failed");
            co_return not_default(1);
        };
        try {
            (void)fails().wait();
        } catch (const bide::cancelled&) {
            thrown = true;
        }
    });
    EXPECT_TRUE(thrown);
    EXPECT_EQ(failures.errors().size(), 1U);
}
TEST(wait, C2_4_leaving_a_stopped_task_by_cancelled_is_a_cancellation_leaving_another_a_failure) {
    const bide::testing::virtual_time time;
    bide::future<> stopped;
    bide::future<> other;
    std::vector<std::exception_ptr> errors;
    bide::promise<> p;
    const bide::future<> source = p.get_future();
    p.set_cancelled();
    EXPECT_THROW(bide::with_scope(bide::scope_options{.error = bide::error_mode::keep_going, .errors = &errors},
                                  [&](bide::scope& s) {
                                      stopped = s.start([&]() -> task<> {
                                          stopped.stop();
                                          bide::wait(source);  // throws cancelled
                                          co_return;
                                      });
                                      other = s.start([&]() -> task<> { co_await source; });
                                  }),
                 bide::exception_group);
    EXPECT_EQ(stopped.status(), bide::future_status::cancelled);
    EXPECT_EQ(other.status(), bide::future_status::failed);
    EXPECT_THROW(other.value(), bide::cancelled);
}
TEST(wait, C2_4_waiting_for_something_cancelled_throws_cancelled_with_the_reason) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        const bide::future<> f = s.start(sleeps_for_ever);
        f.stop();
        try {
            f.wait();
            FAIL();
        } catch (const bide::cancelled& c) {
            EXPECT_EQ(c.reason(), bide::stop_reason::user);
        }
    });
}

}  // namespace
