// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;

template <class E>
class events : public testing::Test {};
struct names {
    template <class E>
    static std::string GetName(int) {
        return std::is_same_v<E, bide::event> ? "event" : "local_event";
    }
};
using kinds = testing::Types<bide::event, bide::local_event>;
TYPED_TEST_SUITE(events, kinds, names);

template <class E>
bide::task<> note_after(E& e, std::vector<int>& order, int id) {
    co_await e;
    order.push_back(id);
}

TYPED_TEST(events, C6_1_set_wakes_all_in_order) {
    TypeParam e;
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        for (int id = 0; id < 5; ++id) s.start(note_after<TypeParam>, std::ref(e), std::ref(order), id);
        s.start([&]() -> bide::task<> {
            EXPECT_TRUE(order.empty());
            e.set();
            EXPECT_TRUE(order.empty()) << "nobody is resumed inside set()";
            co_return;
        });
    });
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
    EXPECT_TRUE(e.is_set());
}

TYPED_TEST(events, C6_1_set_then_reset_wakes_those_already_waiting_and_nobody_else) {
    TypeParam e;
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        s.start(note_after<TypeParam>, std::ref(e), std::ref(order), 0);
        s.start(note_after<TypeParam>, std::ref(e), std::ref(order), 1);
        s.start([&]() -> bide::task<> {
            e.set();
            e.reset();
            s.start(note_after<TypeParam>, std::ref(e), std::ref(order), 2);
            for (int i = 0; i < 4; ++i) co_await bide::yield_now();
            EXPECT_EQ(order, (std::vector{0, 1}));
            e.set();
        });
    });
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TYPED_TEST(events, C6_1_a_set_event_is_no_wait) {
    TypeParam e(true);
    int turns = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await e;
            EXPECT_EQ(turns, 0);
        });
        s.start([&]() -> bide::task<> {
            ++turns;
            co_return;
        });
    });
    e.wait();
    e.reset();
    EXPECT_FALSE(e.is_set());
}

TYPED_TEST(events, C6_1_cancelled_waiters_leave_and_woken_ones_go_on) {
    TypeParam e;
    std::vector<int> order;
    std::vector<bide::future<>> tasks;
    bide::with_scope([&](bide::scope& s) {
        for (int id = 0; id < 3; ++id)
            tasks.push_back(s.start(note_after<TypeParam>, std::ref(e), std::ref(order), id));
        s.start([&]() -> bide::task<> {
            tasks[1].stop();
            e.set();
            tasks[2].stop();  // set() has claimed task 2 already
            co_return;
        });
    });
    EXPECT_EQ(order, (std::vector{0, 2}));
    EXPECT_EQ(tasks[0].status(), future_status::succeeded);
    EXPECT_EQ(tasks[1].status(), future_status::cancelled);
    EXPECT_EQ(tasks[2].status(), future_status::succeeded);
}

TYPED_TEST(events, C6_1_may_be_destroyed_once_everybody_was_woken) {
    auto e = std::make_unique<TypeParam>();
    bool went_on = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await *e;
            went_on = true;
        });
        s.start([&]() -> bide::task<> {
            e->set();
            e.reset();  // the waiter has not run yet
            co_return;
        });
    });
    EXPECT_TRUE(went_on);
}

TYPED_TEST(events, C1_12_a_task_that_is_to_stop_does_not_pass_a_set_event) {
    TypeParam e(true);
    bool passed = false;
    bide::future<> f;
    bide::with_scope([&](bide::scope& s) {
        f = s.start([&]() -> bide::task<> {
            f.stop();
            co_await e;
            passed = true;
        });
    });
    EXPECT_FALSE(passed);
    EXPECT_EQ(f.status(), future_status::cancelled);
}

TYPED_TEST(events, C1_12_a_loop_over_a_set_event_starves_neither_timers_nor_cancellation) {
    const bide::testing::virtual_time time;
    TypeParam e(true);
    bide::future<> f;
    bide::with_scope([&](bide::scope& s) {
        f = s.start([&]() -> bide::task<> {
            for (;;) co_await e;
        });
        s.start([&]() -> bide::task<> {
            co_await bide::yield_now();
            f.stop();
        });
    });
    EXPECT_EQ(f.status(), future_status::cancelled);
}

TEST(event, C6_3_set_by_a_thread_wakes_coroutines_and_threads) {
    bide::event go;
    bide::event ready[3];
    std::atomic<int> woken{0};
    std::vector<std::thread> all;
    all.emplace_back([&] {
        ready[0].set();
        go.wait();
        ++woken;
    });
    all.emplace_back([&] {
        bide::with_scope([&](bide::scope& s) {
            for (int i = 0; i < 2; ++i)
                s.start([&]() -> bide::task<> {
                    co_await go;
                    ++woken;
                });
            s.start([&]() -> bide::task<> {
                ready[1].set();
                co_return;
            });
        });
    });
    ready[0].wait();
    ready[1].wait();
    EXPECT_EQ(woken, 0);
    go.set();
    for (auto& t : all) t.join();
    EXPECT_EQ(woken, 3);
}

TEST(event, C6_3_ping_pong_between_two_threads) {
    constexpr int rounds = 2000;
    bide::event ping;
    bide::event pong;
    int ball = 0;  // not atomic: the events alone hand it to and fro
    std::thread other([&] {
        for (int i = 0; i < rounds; ++i) {
            ping.wait();
            ping.reset();
            EXPECT_EQ(ball, 2 * i + 1);
            ++ball;
            pong.set();
        }
    });
    for (int i = 0; i < rounds; ++i) {
        ++ball;
        ping.set();
        pong.wait();
        pong.reset();
    }
    other.join();
    EXPECT_EQ(ball, 2 * rounds);
}

TEST(event, C6_3_set_and_stop_from_two_threads_at_once) {
    for (int round = 0; round < 300; ++round) {
        auto e = std::make_unique<bide::event>();
        bide::event waiting;
        bide::loop l;
        bool passed = false;
        auto f = l.submit([&]() -> bide::task<> {
            waiting.set();
            co_await *e;
            passed = true;
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        std::thread stops([&] { f.stop(); });
        e->set();
        stops.join();
        runs.join();
        EXPECT_EQ(passed, f.status() == future_status::succeeded);
        EXPECT_NE(f.status(), future_status::pending);
    }
}

TEST(local_event, C6_3_a_stop_request_may_come_from_another_thread) {
    for (int round = 0; round < 100; ++round) {
        bide::loop l;
        bide::local_event e;
        bide::event waiting;
        auto f = l.submit([&]() -> bide::task<> {
            waiting.set();
            co_await e;
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        f.stop();
        runs.join();
        EXPECT_EQ(f.status(), future_status::cancelled);
    }
}

bide::task<> waits_for(bide::event& e) { co_await e; }

TEST(event_death, C6_1_C18_7_destroyed_while_it_is_waited_for) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto e = std::make_unique<bide::event>();
            bide::with_scope([&](bide::scope& s) {
                s.start(waits_for, std::ref(*e));
                s.start([&]() -> bide::task<> {
                    e.reset();
                    co_return;
                });
            });
        },
        "bide: event destroyed while it is waited for, first of all by .*waits_for.*event_test.cpp");
}

}  // namespace
