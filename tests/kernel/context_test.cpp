// SPDX-License-Identifier: BSL-1.0
//
// What a task inherits and where it resumes (1.11), what a leaf operation does on entry and for fairness (1.12).
#include <bide/executor.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/hand_run.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;
using support::hand_run;

/// Goes on with the task on another executor, as resume_on does; for tests of the kernel below that room.
class move_to {
public:
    explicit move_to(bide::executor& to) noexcept : to_(&to) {}
    class awaiter {
    public:
        awaiter(bide::detail::promise_base& p, bide::executor& to) noexcept : p_(&p), to_(&to) {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class P>
        [[gnu::noinline]] bool await_suspend(std::coroutine_handle<P>) {
            bide::detail::promise_base* const p = p_;
            p->ctx = p->ctx->on(*to_);
            bide::detail::detach(p);
            bide::detail::post(p, bide::detail::step::resume);
            return true;
        }
        void await_resume() const noexcept {}

    private:
        bide::detail::promise_base* p_;
        bide::executor* to_;
    };
    [[nodiscard]] awaiter native_awaiter(bide::detail::promise_base& p) const noexcept { return awaiter(p, *to_); }

private:
    bide::executor* to_;
};

TEST(context, C1_11_a_task_resumes_on_its_executor_only) {
    bide::loop timers;
    hand_run ex(timers);
    bide::promise<int> p;
    std::string steps;
    bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
        s.start([&, f = p.get_future()]() -> task<> {
            steps += 'a';
            co_await f;
            steps += 'b';
        });
        EXPECT_EQ(steps, "");
        EXPECT_EQ(ex.drain(), 1);
        EXPECT_EQ(steps, "a");
        p.set_value(1);  // here, outside of the executor
        EXPECT_EQ(steps, "a");
        EXPECT_EQ(ex.drain(), 1);
        EXPECT_EQ(steps, "ab");
    });
}
TEST(context, C1_11_plain_code_after_an_executor_of_the_users_is_plain_again) {
    bide::loop timers;
    hand_run ex(timers);
    bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
        s.start([]() -> task<> { co_return; });
        bide::detail::task_node* const here = bide::detail::current_context()->owner;
        ex.drain();
        // The task is gone; nothing may be inherited from it.
        ASSERT_EQ(bide::detail::current_context()->owner, here);
        const auto one = []() -> task<int> { co_return 1; };
        EXPECT_EQ(one().wait(), 1);
    });
}
TEST(context, C1_11_start_inherits_from_its_scope) {
    bide::loop timers;
    hand_run ex(timers);
    hand_run other(timers);
    std::vector<bide::executor*> seen;
    const auto where = [&]() -> task<> {
        seen.push_back(bide::detail::current_context()->ex);
        co_return;
    };
    bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
        s.start([&]() -> task<> {
            co_await where();  // an await inherits from the caller
            co_await bide::with_scope([&](bide::scope& inner) -> task<> {
                inner.start(where);  // a start from its scope, which is where its body is
                co_await inner.join();
            });
            co_await bide::with_scope(bide::scope_options{.on = &other}, [&](bide::scope& inner) -> task<> {
                inner.start(where);
                co_await where();
            });
        });
        while (ex.drain() + other.drain() != 0) {}
    });
    EXPECT_EQ(seen, (std::vector<bide::executor*>{&ex, &ex, &ex, &other}));
}
TEST(context, C1_11_submit_inherits_from_the_executor_it_is_given_to) {
    bide::loop l;
    bide::executor* seen = nullptr;
    bide::detail::task_node* parent = nullptr;
    const auto body = [&]() -> task<> {
        auto f = l.submit([&]() -> task<> {
            seen = bide::detail::current_context()->ex;
            parent = bide::detail::current_context()->owner->parent;
            co_return;
        });
        co_return;
    };
    body().wait();
    l.run();
    EXPECT_EQ(seen, &l);
    EXPECT_EQ(parent, nullptr);
}

TEST(context, C1_11_a_waited_task_may_end_on_another_executor) {
    bide::loop other;
    std::thread::id ended;
    bide::promise<> keep;  // keeps the other loop running
    auto open = other.submit([f = keep.get_future()]() -> task<> { co_await f; });
    std::thread runner([&] { other.run(); });
    const auto hop = [&]() -> task<int> {
        co_await move_to(other);
        ended = std::this_thread::get_id();
        co_return 5;
    };
    EXPECT_EQ(hop().wait(), 5);
    EXPECT_EQ(ended, runner.get_id());
    for (int i = 0; i < 200; ++i) EXPECT_EQ(hop().wait(), 5);
    const auto hop_and_stop = [&]() -> task<int> {
        co_await move_to(other);
        throw std::runtime_error("over there");
    };
    EXPECT_THROW(hop_and_stop().wait(), std::runtime_error);
    keep.set_value();
    runner.join();
}
TEST(context, C1_11_a_task_migrates_over_several_executors_and_inherits_the_same_everywhere) {
    bide::loop timers;
    hand_run ex(timers);
    hand_run b(timers);
    hand_run c(timers);
    std::vector<const bide::detail::context*> contexts;
    bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
        s.start([&]() -> task<> {
            bide::detail::promise_base* const me = co_await bide::detail::this_frame_op();
            const bide::detail::context& home = *me->ctx;
            for (int round = 0; round < 2; ++round)
                for (bide::executor* const to : std::initializer_list<bide::executor*>{&b, &c, &b, &ex}) {
                    co_await move_to(*to);
                    contexts.push_back(me->ctx);
                    EXPECT_EQ(me->ctx->ex, to);
                    EXPECT_EQ(me->ctx->stop, home.stop);
                    EXPECT_EQ(me->ctx->owner, home.owner);
                    EXPECT_EQ(me->ctx->on(*to), me->ctx);
                }
            EXPECT_EQ(contexts.back(), &home);  // at home it has no copy
        });
        while (ex.drain() + b.drain() + c.drain() != 0) {}
    });
    // One copy for each other executor, found again from the home and from each other.
    ASSERT_EQ(contexts.size(), 8U);
    EXPECT_EQ(contexts[0], contexts[2]);
    EXPECT_NE(contexts[0], contexts[1]);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(contexts[i], contexts[i + 4]);
}
TEST(context, C1_11_a_submitted_task_may_end_on_another_executor_while_its_loop_sleeps) {
    bide::loop other;
    bide::promise<> keep;
    auto open = other.submit([f = keep.get_future()]() -> task<> { co_await f; });
    std::thread runner([&] { other.run(); });
    for (int i = 0; i < 200; ++i) {
        bide::loop l;
        auto f = l.submit([&]() -> task<int> {
            co_await move_to(other);
            co_return 5;
        });
        l.run();
        EXPECT_EQ(f.value(), 5);
    }
    keep.set_value();
    runner.join();
}
TEST(context, C1_11_a_started_task_may_end_on_another_executor_while_its_scope_waits) {
    bide::loop other;
    bide::promise<> keep;
    auto open = other.submit([f = keep.get_future()]() -> task<> { co_await f; });
    std::thread runner([&] { other.run(); });
    for (int i = 0; i < 200; ++i) {
        int sum = 0;
        bide::with_scope([&](bide::scope& s) {
            auto f = s.start([&]() -> task<int> {
                co_await move_to(other);
                co_return 5;
            });
            sum += f.wait();
            s.start([&]() -> task<> {
                co_await move_to(other);
                sum += 1;
            });
        });
        EXPECT_EQ(sum, 6);
    }
    keep.set_value();
    runner.join();
}

// ---- 1.12 -----------------------------------------------------------------------------------------------------------

TEST(context, C1_12_every_leaf_checks_for_cancellation_on_entry) {
    bide::promise<int> ready;
    const bide::future<int> f = ready.get_future();
    ready.set_value(1);
    int passed = 0;
    bide::future<> t;
    bide::with_scope([&](bide::scope& s) {
        t = s.start([&]() -> task<> {
            passed += co_await f;  // ready: goes on
            t.stop();
            passed += 10;
            passed += co_await f;  // ready still, but it is asked to stop
            passed += 100;
        });
    });
    EXPECT_EQ(passed, 11);
}
TEST(context, C1_12_awaiting_a_task_is_no_cancellation_point) {
    int passed = 0;
    const auto child = [&]() -> task<> {
        ++passed;
        co_return;
    };
    bide::future<> t;
    bide::with_scope([&](bide::scope& s) {
        t = s.start([&]() -> task<> {
            t.stop();
            co_await child();
            co_await child();
        });
    });
    EXPECT_EQ(t.status(), bide::future_status::succeeded);  // although it was asked to stop
    EXPECT_EQ(passed, 2);
}
TEST(context, C1_12_a_loop_over_ready_operations_starves_neither_tasks_nor_timers) {
    bide::promise<> ready;
    const bide::future<> f = ready.get_future();
    ready.set_value();
    bool stop = false;
    long rounds = 0;
    bool timer = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            while (!stop) {
                co_await f;
                ++rounds;
            }
        });
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1ms);  // real time
            timer = true;
            stop = true;
        });
    });
    EXPECT_TRUE(timer);
    EXPECT_GT(rounds, 0);
}
TEST(context, C1_12_a_turn_has_128_credits) {
    bide::promise<> ready;
    const bide::future<> f = ready.get_future();
    ready.set_value();
    std::vector<int> others;
    bide::with_scope([&](bide::scope& s) {
        bool over = false;
        int rounds = 0;
        s.start([&]() -> task<> {
            for (; rounds < 1000; ++rounds) co_await f;
            over = true;
        });
        s.start([&]() -> task<> {
            while (!over) {
                others.push_back(rounds);
                co_await bide::yield_now();
            }
        });
        s.join().wait();
    });
    ASSERT_EQ(others.size(), 1000U / 128U);
    for (std::size_t i = 0; i < others.size(); ++i) EXPECT_EQ(others[i], 128 * (static_cast<int>(i) + 1) - 1);
}
TEST(context, C1_12_waits_in_plain_code_spend_credits_too) {
    bide::promise<> ready;
    const bide::future<> f = ready.get_future();
    ready.set_value();
    const auto hundred = [&]() -> task<> {
        for (int i = 0; i < 100; ++i) co_await f;
    };
    for (int round = 0; round < 5; ++round) {
        bool other = false;
        int waits = 0;
        bide::with_scope([&](bide::scope& s) {
            s.start([&]() -> task<> {
                other = true;
                co_return;
            });
            while (!other && waits < 1000) {
                hundred().wait();
                ++waits;
            }
        });
        EXPECT_LE(waits, 3);
    }
}
TEST(context, C1_12_an_effect_that_happened_is_delivered_whatever_was_cancelled_meanwhile) {
    bide::promise<int> p;
    int got = 0;
    bide::future<> t;
    bide::with_scope([&](bide::scope& s) {
        t = s.start([&, f = p.get_future()]() -> task<> { got = co_await f; });
        s.start([&]() -> task<> {
            p.set_value(7);  // the waiter has it from now on
            t.stop();
            co_return;
        });
    });
    EXPECT_EQ(got, 7);
}

}  // namespace
