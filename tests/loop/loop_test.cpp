// SPDX-License-Identifier: BSL-1.0
//
// What loop.hpp promises of a loop that the program makes (poll, next_deadline and descriptor: embedding_test.cpp).
#include <bide/error.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/semaphore.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/lives.hpp"
#include "support/threads.hpp"
#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::task;

/// A ready node of the test's own.
struct noted final : bide::detail::call_node {
    std::string& trace;
    char what;
    noted(std::string& t, char w) noexcept : call_node(&noted::run), trace(t), what(w) {}
    static void run(call_node* self) noexcept {
        auto& n = *static_cast<noted*>(self);
        n.trace += n.what;
    }
};

TEST(loop, C7_2_C18_9_run_ends_when_everything_submitted_has_and_at_once_without) {
    bide::loop l;
    l.run();
    std::string trace;
    auto twice = [](std::string& t, bide::loop& on) -> task<int> {
        t += 'a';
        co_await bide::yield_now();
        // A running task submits it: run() waits for it, too.
        static_cast<void>(on.submit(
            [](std::string& u) -> task<> {
                co_await bide::yield_now();
                u += 'b';
            },
            std::ref(t)));
        co_return 7;
    };
    auto f = l.submit(twice, std::ref(trace), std::ref(l));
    EXPECT_EQ(trace, "");  // nothing runs before run()
    EXPECT_EQ(f.status(), future_status::pending);
    l.run();
    EXPECT_EQ(trace, "ab");
    EXPECT_EQ(f.value(), 7);
    l.run();  // again, with nothing
    auto g = l.submit(twice, std::ref(trace), std::ref(l));
    l.run();
    EXPECT_EQ(trace, "abab");
}

TEST(loop, C7_2_submit_from_other_threads_while_it_runs) {
    const support::watchdog here;
    bide::loop l;
    bide::event over;
    auto keeps = l.submit([](bide::event& e) -> task<> { co_await e; }, std::ref(over));
    std::vector<std::thread> threads;
    std::atomic<int> ran{0};
    std::vector<bide::future<std::thread::id>> where(40);
    for (std::size_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 10; ++i)
                where[t * 10 + i] = l.submit([&ran]() -> task<std::thread::id> {
                    co_await bide::yield_now();
                    ++ran;
                    co_return std::this_thread::get_id();
                });
        });
    std::thread ends([&] {
        for (auto& t : threads) t.join();
        over.set();
    });
    l.run();
    ends.join();
    EXPECT_EQ(ran, 40);
    for (auto& f : where) EXPECT_EQ(f.value(), std::this_thread::get_id());
}

TEST(loop, C3_2_C18_9_ready_tasks_run_first_in_first_out_in_turns) {
    bide::loop l;
    std::string trace;
    const auto step = [](std::string& t, char name) -> task<> {
        for (int i = 0; i < 3; ++i) {
            t += name;
            co_await bide::yield_now();
        }
    };
    for (const char name : {'0', '1', '2'}) static_cast<void>(l.submit(step, std::ref(trace), name));
    l.run();
    EXPECT_EQ(trace, "012012012");
}

TEST(loop, C3_2_C18_9_a_turn_runs_what_was_ready_when_it_began_and_then_due_timers_have_their_turn) {
    const bide::testing::virtual_time time;
    bide::loop l;
    std::string trace;
    noted first(trace, '1');
    noted second(trace, '2');
    noted third(trace, '3');
    static_cast<void>(l.submit(
        [](std::string& t, bide::loop& on, noted& n) -> task<> {
            t += 'a';
            on.post(n);  // ready in the next turn: behind what is ready now
            t += 'b';
            co_return;
        },
        std::ref(trace), std::ref(l), std::ref(third)));
    l.post(first);
    l.post(second);
    EXPECT_TRUE(l.poll());
    EXPECT_EQ(trace, "ab12");
    l.poll();
    EXPECT_EQ(trace, "ab123");
}

TEST(loop, C3_2_C18_9_timers_fire_in_the_order_of_their_times_and_equal_ones_in_that_of_arming) {
    const bide::testing::virtual_time time;
    bide::loop l;
    std::string trace;
    const auto late = [](std::string& t, std::chrono::seconds d, char name) -> task<> {
        co_await bide::sleep_for(d);
        t += name;
    };
    for (const auto& [d, name] : {std::pair(3s, 'd'), std::pair(1s, 'a'), std::pair(2s, 'b'), std::pair(2s, 'c')})
        static_cast<void>(l.submit(late, std::ref(trace), d, name));
    l.run();
    EXPECT_EQ(trace, "abcd");
    EXPECT_EQ(time.elapsed(), 3s);
}

// A timer that falls due while tasks are ready, and how many steps these take until the timer's task runs.
struct timer_and_steps {
    bide::loop& on;
    bide::loop::clock::time_point due = on.now() + 20ms;
    bool fired = false;
    long steps = 0;
    long steps_after_due = 0;
    explicit timer_and_steps(bide::loop& l) : on(l) {
        static_cast<void>(l.submit(
            [](timer_and_steps& at) -> task<> {
                co_await bide::sleep_until(at.due);
                at.fired = true;
            },
            std::ref(*this)));
    }
    void step() {
        ++steps;
        if (!fired && on.now() >= due) ++steps_after_due;
    }
};

// Where few nodes are ready a turn goes on to eight, and not further: then a timer that fell due in that turn fires.
TEST(loop, C1_12_two_tasks_that_wake_each_other_delay_a_due_timer_by_eight_steps_and_its_place_at_most) {
    const support::watchdog here;
    bide::loop l;
    timer_and_steps s(l);
    bide::semaphore a(1);
    bide::semaphore b(0);
    const auto half = [](timer_and_steps& at, bide::semaphore& mine, bide::semaphore& others) -> task<> {
        while (!at.fired) {
            (co_await mine.acquire()).disown();
            at.step();
            others.release();
        }
        others.release();
    };
    static_cast<void>(l.submit(half, std::ref(s), std::ref(a), std::ref(b)));
    static_cast<void>(l.submit(half, std::ref(s), std::ref(b), std::ref(a)));
    l.run();
    EXPECT_TRUE(s.fired);
    // The timer may fall due just before a turn's first step: then it fires after that turn, and its task runs behind
    // the two that are ready.
    EXPECT_LE(s.steps_after_due, 8 + 2);
}

// The stated bound: a due timer fires in the turn after the one in which it fell due, and a turn is what was ready at
// its beginning, each task for 128 credits at most. In real time, because the clock has to move while tasks are ready:
// counted in steps, not in seconds.
TEST(loop, C1_12_always_ready_tasks_delay_a_due_timer_by_one_turn_at_most) {
    const support::watchdog here;
    bide::loop l;
    timer_and_steps s(l);
    bide::event always(true);
    for (int i = 0; i < 8; ++i)
        static_cast<void>(l.submit(
            [](timer_and_steps& at, bide::event& ready) -> task<> {
                while (!at.fired) co_await ready;  // a leaf that is always ready
            },
            std::ref(s), std::ref(always)));
    static_cast<void>(l.submit(
        [](timer_and_steps& at) -> task<> {
            while (!at.fired) {
                co_await bide::yield_now();
                at.step();
            }
        },
        std::ref(s)));
    l.run();
    EXPECT_TRUE(s.fired);
    EXPECT_GT(s.steps, 0);
    // The turn in which the timer fell due, and the one in which it fires and its task waits for its place.
    EXPECT_LE(s.steps_after_due, 2);
}

TEST(loop, C7_4_stop_asks_every_task_and_refuses_new_work) {
    const bide::testing::virtual_time time;
    bide::loop l;
    support::life_count lives;
    std::string trace;
    const auto sleeps = [](std::string& t, support::counted) -> task<> {
        const auto clean = [&t]() -> task<> {
            co_await bide::sleep_for(1s);
            t += 'c';
        };
        auto body = bide::sleep_for(1h);
        co_await bide::finally(body, clean, 1min);
    };
    auto f = l.submit(sleeps, std::ref(trace), support::counted(lives));
    auto stops = l.submit(
        [](bide::loop& on, std::string& t) -> task<int> {
            co_await bide::sleep_for(1min);
            on.stop();
            on.stop(bide::stop_reason::deadline);  // idempotent: the first reason stays
            t += bide::why_stopped() == bide::stop_reason::shutdown ? 's' : '?';
            co_return 1;  // its value arrives all the same
        },
        std::ref(l), std::ref(trace));
    l.run();
    EXPECT_EQ(trace, "sc");
    EXPECT_EQ(time.elapsed(), 61s);
    EXPECT_EQ(f.status(), future_status::cancelled);
    EXPECT_EQ(stops.value(), 1);
    EXPECT_EQ(lives.alive, 0);
    EXPECT_THROW(static_cast<void>(l.submit(sleeps, std::ref(trace), support::counted(lives))), bide::not_running);
    EXPECT_EQ(lives.alive, 0);
    l.run();  // harmless
}

TEST(loop, C7_4_stop_from_another_thread_ends_run) {
    const support::watchdog here;
    bide::loop l;
    support::gate began;
    auto f = l.submit([&]() -> task<> {
        began.open();
        co_await bide::sleep_for(std::chrono::hours(1));
    });
    std::thread other([&] {
        began.pass();
        l.stop();
    });
    l.run();
    other.join();
    EXPECT_EQ(f.status(), future_status::cancelled);
    try {
        f.value();
        ADD_FAILURE();
    } catch (const bide::cancelled& c) {
        EXPECT_EQ(c.reason(), bide::stop_reason::shutdown);
    }
}

TEST(loop, C7_4_C18_9_the_destructor_stops_its_tasks_and_runs_them_to_their_end) {
    const bide::testing::virtual_time time;
    support::life_count lives;
    std::string trace;
    bide::future<> began;
    bide::future<> never;
    {
        bide::loop l;
        began = l.submit(
            [](std::string& t, support::counted) -> task<> {
                const auto clean = [&t]() -> task<> {
                    co_await bide::sleep_for(1s);
                    t += 'c';
                };
                t += 'b';
                auto body = bide::sleep_for(1h);
                co_await bide::finally(body, clean, 1min);
            },
            std::ref(trace), support::counted(lives));
        l.poll();
        never = l.submit(
            [](std::string& t, support::counted) -> task<> {
                t += '!';
                co_return;
            },
            std::ref(trace), support::counted(lives));
    }
    EXPECT_EQ(trace, "bc");
    EXPECT_EQ(began.status(), future_status::cancelled);
    EXPECT_EQ(never.status(), future_status::cancelled);
    EXPECT_EQ(lives.alive, 0);
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(loop, C2_7_a_failure_arrives_with_the_future_and_run_does_not_throw_it) {
    bide::loop l;
    auto f = l.submit([]() -> task<> {
        co_await bide::yield_now();
        throw std::out_of_range("there");
    });
    EXPECT_NO_THROW(l.run());
    EXPECT_THROW(f.value(), std::out_of_range);
}

TEST(loop, C1_9_one_that_runs_is_not_run_again) {
    bide::loop l;
    auto f = l.submit(
        [](bide::loop& on) -> task<> {
            EXPECT_THROW(on.run(), bide::usage_error);
            EXPECT_THROW(on.poll(), bide::usage_error);
            co_return;
        },
        std::ref(l));
    l.run();
    EXPECT_EQ(f.status(), future_status::succeeded);
}

}  // namespace
