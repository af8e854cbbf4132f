// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/semaphore.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;

template <class S>
class semaphores : public testing::Test {};
struct names {
    template <class S>
    static std::string GetName(int) {
        return std::is_same_v<S, bide::semaphore> ? "semaphore" : "local_semaphore";
    }
};
using kinds = testing::Types<bide::semaphore, bide::local_semaphore>;
TYPED_TEST_SUITE(semaphores, kinds, names);

TYPED_TEST(semaphores, C6_1_at_most_n_at_a_time) {
    const bide::testing::virtual_time time;
    TypeParam slots(3);
    int inside = 0;
    int most = 0;
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 9; ++i)
            s.start([&]() -> bide::task<> {
                auto permit = co_await slots.acquire();
                most = std::max(most, ++inside);
                co_await bide::sleep_for(1s);
                --inside;
            });
    });
    EXPECT_EQ(most, 3);
    EXPECT_EQ(time.elapsed(), 3s);
    EXPECT_EQ(slots.available(), 3);
}

template <class S>
bide::task<> note_when_acquired(S& s, std::vector<int>& order, int id, std::ptrdiff_t n) {
    auto permit = co_await s.acquire(n);
    order.push_back(id);
    permit.disown();
}

TYPED_TEST(semaphores, C6_1_C18_8_nobody_overtakes_one_who_wants_many) {
    TypeParam sem(0);
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        s.start(note_when_acquired<TypeParam>, std::ref(sem), std::ref(order), 0, 3);
        s.start(note_when_acquired<TypeParam>, std::ref(sem), std::ref(order), 1, 1);
        s.start([&]() -> bide::task<> {
            sem.release(2);
            EXPECT_FALSE(sem.try_acquire()) << "a waiter is queued";
            for (int i = 0; i < 3; ++i) co_await bide::yield_now();
            EXPECT_TRUE(order.empty());
            sem.release(2);
        });
    });
    EXPECT_EQ(order, (std::vector{0, 1}));
    EXPECT_EQ(sem.available(), 0);
}

TYPED_TEST(semaphores, C6_1_when_one_who_wants_many_is_cancelled_those_behind_go_on) {
    TypeParam sem(1);
    std::vector<int> order;
    bide::future<> greedy;
    bide::with_scope([&](bide::scope& s) {
        greedy = s.start(note_when_acquired<TypeParam>, std::ref(sem), std::ref(order), 0, 3);
        s.start(note_when_acquired<TypeParam>, std::ref(sem), std::ref(order), 1, 1);
        s.start([&]() -> bide::task<> {
            greedy.stop();
            co_return;
        });
    });
    EXPECT_EQ(greedy.status(), future_status::cancelled);
    EXPECT_EQ(order, (std::vector{1}));
}

TYPED_TEST(semaphores, C6_1_a_cancelled_waiter_is_skipped_and_one_that_was_served_keeps_its_permit) {
    TypeParam sem(0);
    std::vector<int> order;
    std::vector<bide::future<>> tasks;
    bide::with_scope([&](bide::scope& s) {
        for (int id = 0; id < 3; ++id)
            tasks.push_back(s.start(note_when_acquired<TypeParam>, std::ref(sem), std::ref(order), id, 1));
        s.start([&]() -> bide::task<> {
            tasks[0].stop();
            sem.release(2);
            tasks[1].stop();  // task 1 has its permit, but has not run yet
            co_return;
        });
    });
    EXPECT_EQ(tasks[0].status(), future_status::cancelled);
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_EQ(sem.available(), 0);
}

TYPED_TEST(semaphores, C6_1_permits_are_given_back_disowned_and_moved) {
    TypeParam sem(4, 4);
    {
        auto two = sem.acquire(2).wait();
        EXPECT_EQ(two.count(), 2);
        auto moved = std::move(two);
        EXPECT_FALSE(two);  // NOLINT(bugprone-use-after-move): it is empty, that is the point
        EXPECT_EQ(sem.available(), 2);
        moved.unlock();
        EXPECT_EQ(sem.available(), 4);
        EXPECT_THROW(moved.unlock(), bide::usage_error);
        moved = sem.try_acquire(4);
        EXPECT_TRUE(moved);
        EXPECT_FALSE(sem.try_acquire());
    }
    EXPECT_EQ(sem.available(), 4);
    sem.acquire().wait().disown();
    EXPECT_EQ(sem.available(), 3);
    sem.release();
    EXPECT_THROW(sem.release(), bide::usage_error);
    EXPECT_EQ(sem.available(), 4) << "nothing was added";
}

TYPED_TEST(semaphores, C6_1_C18_8_mistakes_are_told) {
    EXPECT_THROW(TypeParam(-1), std::invalid_argument);
    EXPECT_THROW(TypeParam(2, 1), std::invalid_argument);
    EXPECT_THROW(TypeParam(0, 0), std::invalid_argument);
    TypeParam sem(1, 2);
    EXPECT_THROW((void)sem.acquire(0), std::invalid_argument);
    EXPECT_THROW((void)sem.acquire(3), std::invalid_argument);
    EXPECT_THROW((void)sem.try_acquire(-1), std::invalid_argument);
    EXPECT_THROW(sem.release(-1), std::invalid_argument);
}

std::string unhandled;
TYPED_TEST(semaphores, C2_7_a_permit_that_cannot_be_given_back_is_reported) {
    unhandled.clear();
    auto* const before =
        bide::set_unhandled_error_hook([](std::exception_ptr e, const char*) { unhandled = bide::describe(e); });
    {
        TypeParam sem(1, 1);
        auto permit = sem.acquire().wait();
        sem.release();  // once too often
    }
    bide::set_unhandled_error_hook(before);
    EXPECT_NE(unhandled.find("released above its highest count"), std::string::npos) << unhandled;
}

TYPED_TEST(semaphores, C1_12_a_task_that_is_to_stop_acquires_nothing) {
    TypeParam sem(1);
    bide::future<> f;
    bide::with_scope([&](bide::scope& s) {
        f = s.start([&]() -> bide::task<> {
            f.stop();
            auto permit = co_await sem.acquire();
            ADD_FAILURE();
        });
    });
    EXPECT_EQ(f.status(), future_status::cancelled);
    EXPECT_EQ(sem.available(), 1);
}

// One task is stopped at the k-th step of the whole program, for every k: no permit is ever lost.
TYPED_TEST(semaphores, C6_1_cancelled_at_every_step) {
    int swept = 0;
    for (int k = 0;; ++k) {
        TypeParam sem(2, 2);
        int step = 0;
        std::vector<bide::future<>> tasks;
        const auto point = [&] {
            if (step++ == k) tasks[1].stop();
        };
        bide::with_scope([&](bide::scope& s) {
            for (int id = 0; id < 4; ++id)
                tasks.push_back(s.start(
                    [&](int me) -> bide::task<> {
                        for (int round = 0; round < 2; ++round) {
                            point();
                            auto permit = co_await sem.acquire(1 + (me + round) % 2);
                            point();
                            co_await bide::yield_now();
                            permit.unlock();
                            point();
                        }
                    },
                    id));
        });
        if (step <= k) break;
        ++swept;
        EXPECT_EQ(sem.available(), 2) << "k = " << k;
        for (const int other : {0, 2, 3})
            EXPECT_EQ(tasks[static_cast<std::size_t>(other)].status(), future_status::succeeded);
    }
    EXPECT_EQ(swept, 24);
}

TEST(semaphore, C6_3_threads_and_coroutines_share_it) {
    constexpr int rounds = 1000;
    bide::semaphore sem(2);
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<int> done{0};
    const auto section = [&] {
        const int now = inside.fetch_add(1) + 1;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {}
        inside.fetch_sub(1);
        done.fetch_add(1);
    };
    std::vector<std::thread> all;
    for (int t = 0; t < 2; ++t) {
        all.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                auto permit = sem.acquire().wait();
                section();
            }
        });
        all.emplace_back([&] {
            bide::with_scope([&](bide::scope& s) {
                for (int c = 0; c < 3; ++c)
                    s.start([&]() -> bide::task<> {
                        for (int i = 0; i < rounds / 2; ++i) {
                            auto permit = co_await sem.acquire();
                            section();
                            if (i % 8 == 0) co_await bide::yield_now();
                        }
                    });
            });
        });
    }
    for (auto& t : all) t.join();
    EXPECT_LE(most, 2);
    EXPECT_EQ(done, 2 * rounds + 2 * 3 * (rounds / 2));
    EXPECT_EQ(sem.available(), 2);
}

TEST(semaphore, C6_1_cancelled_from_another_thread_while_it_is_served) {
    for (int round = 0; round < 300; ++round) {
        bide::semaphore sem(0);
        bide::event waiting;
        bide::loop l;
        auto f = l.submit([&]() -> bide::task<> {
            waiting.set();
            (void)co_await sem.acquire();  // given back at once
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        std::thread stops([&] { f.stop(); });
        sem.release();
        stops.join();
        runs.join();
        EXPECT_EQ(sem.available(), 1);
    }
}

bide::task<> waits_for(bide::semaphore& s) { auto permit = co_await s.acquire(); }

TEST(semaphore_death, C6_1_C18_7_destroyed_while_it_is_waited_for) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto sem = std::make_unique<bide::semaphore>(0);
            bide::with_scope([&](bide::scope& s) {
                s.start(waits_for, std::ref(*sem));
                s.start([&]() -> bide::task<> {
                    sem.reset();
                    co_return;
                });
            });
        },
        "bide: semaphore destroyed while it is waited for, first of all by .*waits_for.*semaphore_test.cpp");
}

}  // namespace
