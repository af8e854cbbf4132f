// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/barrier.hpp>
#include <bide/sync/event.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using bide::future_status;

template <class B>
class barriers : public testing::Test {};
struct names {
    template <class B>
    static std::string GetName(int) {
        return std::is_same_v<B, bide::barrier> ? "barrier" : "local_barrier";
    }
};
using kinds = testing::Types<bide::barrier, bide::local_barrier>;
TYPED_TEST_SUITE(barriers, kinds, names);

template <class B>
bide::task<> meet(B& b, std::vector<int>& log, int id, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        log.push_back(id);
        const bool last = co_await b.arrive_and_wait();
        if (last) log.push_back(100 + i);
    }
}

TYPED_TEST(barriers, C6_1_nobody_goes_on_before_all_have_come_and_one_is_last) {
    TypeParam b(3);
    std::vector<int> log;
    bide::with_scope([&](bide::scope& s) {
        for (int id = 0; id < 3; ++id) s.start(meet<TypeParam>, std::ref(b), std::ref(log), id, 2);
    });
    // The last to arrive goes on without having waited, so it arrives first at the next meeting.
    EXPECT_EQ(log, (std::vector{0, 1, 2, 100, 2, 0, 1, 101}));
}

TYPED_TEST(barriers, C6_1_a_cancelled_arrival_is_withdrawn) {
    TypeParam b(2);
    std::vector<std::string> log;
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> { (void)co_await b.arrive_and_wait(); });
        s.start([&]() -> bide::task<> {
            a.stop();
            co_await bide::yield_now();  // a unwinds
            EXPECT_EQ(a.status(), future_status::cancelled);
            s.start([&]() -> bide::task<> {
                (void)co_await b.arrive_and_wait();
                log.emplace_back("second");
            });
            for (int i = 0; i < 3; ++i) co_await bide::yield_now();
            EXPECT_TRUE(log.empty()) << "the cancelled arrival does not count";
            (void)co_await b.arrive_and_wait();
            log.emplace_back("third");
        });
    });
    EXPECT_EQ(log, (std::vector<std::string>{"third", "second"}));
}

TYPED_TEST(barriers, C6_1_an_arrival_is_withdrawn_from_the_moment_of_the_request) {
    TypeParam b(3);
    std::vector<int> order;
    std::vector<bide::future<>> tasks;
    const auto arrive = [&](int id) -> bide::task<> {
        (void)co_await b.arrive_and_wait();
        order.push_back(id);
    };
    bide::with_scope([&](bide::scope& s) {
        tasks.push_back(s.start(arrive, 0));
        tasks.push_back(s.start(arrive, 1));
        s.start([&]() -> bide::task<> {
            tasks[0].stop();  // task 0 is not unwound yet when this task arrives
            (void)co_await b.arrive_and_wait();
            order.push_back(2);
        });
        s.start([&]() -> bide::task<> {
            for (int i = 0; i < 3; ++i) co_await bide::yield_now();
            EXPECT_TRUE(order.empty());
            (void)co_await b.arrive_and_wait();
            order.push_back(3);
        });
    });
    EXPECT_EQ(tasks[0].status(), future_status::cancelled);
    EXPECT_EQ(order, (std::vector{3, 1, 2}));  // still in the order in which they had come
}

TYPED_TEST(barriers, C6_1_one_that_was_let_go_has_met_the_others) {
    TypeParam b(2);
    bide::future<> a;
    bool went_on = false;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> {
            EXPECT_FALSE(co_await b.arrive_and_wait());
            went_on = true;
        });
        s.start([&]() -> bide::task<> {
            EXPECT_TRUE(co_await b.arrive_and_wait());
            a.stop();  // a was released, but has not run yet
        });
    });
    EXPECT_TRUE(went_on);
    EXPECT_EQ(a.status(), future_status::succeeded);
}

TYPED_TEST(barriers, C6_1_arrive_and_drop_makes_the_next_meetings_smaller) {
    TypeParam b(3);
    std::vector<int> log;
    bide::with_scope([&](bide::scope& s) {
        s.start(meet<TypeParam>, std::ref(b), std::ref(log), 0, 2);
        s.start(meet<TypeParam>, std::ref(b), std::ref(log), 1, 2);
        s.start([&]() -> bide::task<> {
            b.arrive_and_drop();
            co_return;
        });
    });
    // No arrival was the last of the first meeting: arrive_and_drop() released its waiters.
    EXPECT_EQ(log, (std::vector{0, 1, 0, 1, 101}));
    b.arrive_and_drop();
    b.arrive_and_drop();
    EXPECT_THROW(b.arrive_and_drop(), bide::usage_error);
}

TYPED_TEST(barriers, C6_1_C18_8_mistakes_are_told) {
    EXPECT_THROW(TypeParam(0), std::invalid_argument);
    EXPECT_THROW(TypeParam(-3), std::invalid_argument);
    TypeParam alone(1);
    EXPECT_TRUE(alone.arrive_and_wait().wait());
}

TYPED_TEST(barriers, C1_12_a_task_that_is_to_stop_does_not_arrive) {
    TypeParam b(1);
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> {
            a.stop();
            (void)co_await b.arrive_and_wait();
            ADD_FAILURE();
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
}

TEST(barrier, C6_3_threads_and_coroutines_meet_many_times) {
    constexpr int rounds = 300;
    bide::barrier b(4);
    std::atomic<int> lasts{0};
    std::atomic<int> phase[4] = {};
    const auto check = [&](int me, int i) {
        for (const auto& p : phase) {
            const int at = p.load();
            EXPECT_TRUE(at == i || at == i + 1) << at << " in round " << i;  // no one is more than one meeting ahead
        }
        (void)me;
    };
    std::vector<std::thread> all;
    for (int t = 0; t < 2; ++t)
        all.emplace_back([&, t] {
            for (int i = 0; i < rounds; ++i) {
                phase[t] = i;
                lasts += b.arrive_and_wait().wait() ? 1 : 0;
                check(t, i);
                b.arrive_and_wait().wait();
            }
        });
    all.emplace_back([&] {
        bide::with_scope([&](bide::scope& s) {
            for (int t = 2; t < 4; ++t)
                s.start(
                    [&](int me) -> bide::task<> {
                        for (int i = 0; i < rounds; ++i) {
                            phase[me] = i;
                            const bool last = co_await b.arrive_and_wait();
                            lasts += last ? 1 : 0;
                            check(me, i);
                            (void)co_await b.arrive_and_wait();
                        }
                    },
                    t);
        });
    });
    for (auto& t : all) t.join();
    EXPECT_EQ(lasts, rounds);
}

// A stop request and the last arrival, on two threads: either the meeting was complete and the stopped task took part,
// or it was not, and one more arrival is needed.
TEST(barrier, C6_1_cancelled_while_the_last_one_comes) {
    int met = 0;
    for (int round = 0; round < 300; ++round) {
        bide::barrier b(2);
        bide::event waiting;
        bide::loop l;
        bool went_on = false;
        auto f = l.submit([&]() -> bide::task<> {
            waiting.set();
            (void)co_await b.arrive_and_wait();
            went_on = true;
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        std::thread stops([&] { f.stop(); });
        std::atomic<bool> last_went_on{false};
        std::thread comes([&] {
            (void)b.arrive_and_wait().wait();
            last_went_on = true;
        });
        stops.join();
        runs.join();
        if (went_on)
            ++met;
        else
            b.arrive_and_wait().wait();  // in place of the stopped arrival
        comes.join();
        EXPECT_EQ(went_on, f.status() == future_status::succeeded);
        EXPECT_TRUE(last_went_on);
    }
    RecordProperty("met", met);
}

bide::task<> waits_for(bide::barrier& b) { (void)co_await b.arrive_and_wait(); }

TEST(barrier_death, C6_1_C18_7_destroyed_while_it_is_waited_for) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto b = std::make_unique<bide::barrier>(2);
            bide::with_scope([&](bide::scope& s) {
                s.start(waits_for, std::ref(*b));
                s.start([&]() -> bide::task<> {
                    b.reset();
                    co_return;
                });
            });
        },
        "bide: barrier destroyed while it is waited for, first of all by .*waits_for.*barrier_test.cpp");
}

}  // namespace
