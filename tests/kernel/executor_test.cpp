// SPDX-License-Identifier: BSL-1.0
//
// The executor as a user writes one: what post() is given, what run_ready() does, which executor runs on which, and
// what an executor without timers of its own gets. Where a task resumes is tested in context_test.cpp.
#include <bide/executor.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/strand.hpp>
#include <bide/task.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace {

using bide::task;

/// An executor that the test empties by hand, in the order in which nodes came.
class by_hand : public bide::executor {
public:
    explicit by_hand(const bide::executor* base = nullptr) noexcept : bide::executor(base) {}
    ~by_hand() { retire(); }
    void post(bide::ready_node& node) noexcept override { posted_.push_back(&node); }
    /// Runs what was posted before the call, and what that posts.
    int drain() {
        int ran = 0;
        for (; next_ < posted_.size(); ++ran) bide::run_ready(*posted_[next_++]);
        return ran;
    }

private:
    std::vector<bide::ready_node*> posted_;
    std::size_t next_ = 0;
};

TEST(executor, C1_11_runs_on_follows_the_bases) {
    by_hand ground;
    by_hand above(&ground);
    by_hand highest(&above);
    by_hand elsewhere;
    EXPECT_TRUE(ground.runs_on(ground));
    EXPECT_TRUE(above.runs_on(ground));
    EXPECT_TRUE(highest.runs_on(ground));
    EXPECT_TRUE(highest.runs_on(above));
    EXPECT_FALSE(ground.runs_on(above));
    EXPECT_FALSE(highest.runs_on(elsewhere));
    bide::loop l;
    const bide::strand s(l);
    EXPECT_TRUE(s.runs_on(l));
    EXPECT_FALSE(l.runs_on(s));
}

TEST(executor, C1_11_an_executor_without_a_loop_is_carried_by_the_background_loop) {
    by_hand a;
    by_hand b;
    EXPECT_EQ(&a.carrier(), &b.carrier());
    bide::loop l;
    EXPECT_EQ(&l.carrier(), &l);
    EXPECT_NE(&a.carrier(), &l);
}

TEST(executor, C1_11_each_posted_node_is_one_step_and_nothing_runs_inside_post) {
    by_hand ex;
    std::vector<int> order;
    bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
        const auto f = [&order](int n) -> task<> {
            order.push_back(n);
            co_return;
        };
        s.start(f, 1);
        s.start(f, 2);
        EXPECT_TRUE(order.empty());
        EXPECT_EQ(ex.drain(), 2);
        EXPECT_EQ(order, (std::vector<int>{1, 2}));
    });
}

TEST(executor, C1_11_any_thread_may_run_a_node) {
    by_hand ex;
    std::thread::id ran_on;
    bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
        s.start([&ran_on]() -> task<> {
            ran_on = std::this_thread::get_id();
            co_return;
        });
        std::thread([&ex] { ex.drain(); }).join();
    });
    EXPECT_NE(ran_on, std::thread::id());
    EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(executor, C1_11_a_task_that_runs_another_executors_node_stays_itself) {
    by_hand outer;
    by_hand inner;
    int ran = 0;
    const bide::detail::task_node* before = nullptr;
    const bide::detail::task_node* after = nullptr;
    bide::with_scope(bide::scope_options{.on = &inner}, [&](bide::scope& below) {
        below.start([&ran]() -> task<> {
            ++ran;
            co_return;
        });
        bide::with_scope(bide::scope_options{.on = &outer}, [&](bide::scope& s) {
            s.start([&]() -> task<> {
                before = bide::detail::current_context()->owner;
                inner.drain();
                after = bide::detail::current_context()->owner;
                co_return;
            });
            outer.drain();
        });
    });
    EXPECT_EQ(ran, 1);
    EXPECT_NE(before, nullptr);
    EXPECT_EQ(before, after);
}

// Foreign code that is told of a suspension may empty an executor there and then: the task stays suspended.
TEST(executor, C1_10_C1_11_a_node_that_runs_inside_a_suspension_leaves_it_suspended) {
    struct drains {
        by_hand* ex;
        std::coroutine_handle<>* waiting;
        drains(by_hand& e, std::coroutine_handle<>& w) noexcept : ex(&e), waiting(&w) {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const {
            *waiting = h;
            ex->drain();
        }
        void await_resume() const noexcept {}
    };
    by_hand outer;
    by_hand inner;
    std::coroutine_handle<> waiting;
    std::string steps;
    const auto nested = [&]() -> task<int> {
        co_await drains(inner, waiting);
        steps += 'c';
        co_return 1;
    };
    bide::with_scope(bide::scope_options{.on = &inner}, [&](bide::scope& below) {
        below.start([&]() -> task<> {
            const auto child = [&]() -> task<> {
                steps += 'b';
                co_return;
            };
            co_await child();
        });
        bide::with_scope(bide::scope_options{.on = &outer}, [&](bide::scope& s) {
            s.start([&]() -> task<> {
                steps += 'a';
                const int one = co_await nested();
                steps += one == 1 ? 'd' : '?';
            });
            outer.drain();
            EXPECT_EQ(steps, "ab");
            waiting.resume();
            outer.drain();
        });
    });
    EXPECT_EQ(steps, "abcd");
}

TEST(executor, C1_11_every_executor_has_a_name_for_messages) {
    EXPECT_EQ(std::string(by_hand().name()), "executor");
    bide::loop l;
    EXPECT_NE(std::string(l.name()), "executor");
}

}  // namespace
