// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;

template <class M>
class mutexes : public testing::Test {};
struct names {
    template <class M>
    static std::string GetName(int) {
        return std::is_same_v<M, bide::mutex> ? "mutex" : "local_mutex";
    }
};
using kinds = testing::Types<bide::mutex, bide::local_mutex>;
TYPED_TEST_SUITE(mutexes, kinds, names);

template <class M>
bide::task<> note_in_turn(M& m, std::vector<int>& order, int id, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        auto held = co_await m.lock();
        order.push_back(id);
        co_await bide::yield_now();
    }
}

TYPED_TEST(mutexes, C6_1_hand_over_is_first_come_first_served) {
    TypeParam m;
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        for (int id = 0; id < 4; ++id) s.start(note_in_turn<TypeParam>, std::ref(m), std::ref(order), id, 3);
    });
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}));
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C6_1_the_former_holder_does_not_overtake) {
    TypeParam m;
    std::vector<std::string> order;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            co_await bide::yield_now();  // the other task queues
            held.unlock();
            EXPECT_FALSE(m.try_lock()) << "the mutex was handed over, not freed";
            held = co_await m.lock();
            order.emplace_back("again");
        });
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            order.emplace_back("waiter");
        });
    });
    EXPECT_EQ(order, (std::vector<std::string>{"waiter", "again"}));
}

template <class M>
bide::task<> lock_and_note(M& m, std::vector<std::string>& log, std::string name) {
    auto held = co_await m.lock();
    log.push_back(name + " has it");
    co_await bide::yield_now();
    log.push_back(name + " done");
}

TYPED_TEST(mutexes, C6_1_a_cancelled_waiter_is_skipped) {
    TypeParam m;
    std::vector<std::string> log;
    bide::future<> a;
    bide::future<> b;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            a = s.start(lock_and_note<TypeParam>, std::ref(m), std::ref(log), "a");
            b = s.start(lock_and_note<TypeParam>, std::ref(m), std::ref(log), "b");
            co_await bide::yield_now();
            a.stop();
            held.unlock();  // a is still in the list, not unwound yet
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_EQ(b.status(), future_status::succeeded);
    EXPECT_EQ(log, (std::vector<std::string>{"b has it", "b done"}));
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C6_1_a_cancelled_waiter_leaves_the_queue) {
    TypeParam m;
    std::vector<std::string> log;
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            a = s.start(lock_and_note<TypeParam>, std::ref(m), std::ref(log), "a");
            co_await bide::yield_now();
            a.stop();
            co_await bide::yield_now();  // the stopped task unwinds
            EXPECT_EQ(a.status(), future_status::cancelled);
            held.unlock();
            EXPECT_FALSE(m.locked());
        });
    });
    EXPECT_TRUE(log.empty());
}

TYPED_TEST(mutexes, C6_1_a_waiter_cancelled_when_just_handed_the_lock_gets_it_and_gives_it_back) {
    TypeParam m;
    std::vector<std::string> log;
    bide::future<> a;
    bide::future<> b;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            a = s.start([&]() -> bide::task<> {
                auto mine = co_await m.lock();
                log.emplace_back("a has it");
            });
            b = s.start(lock_and_note<TypeParam>, std::ref(m), std::ref(log), "b");
            co_await bide::yield_now();
            held.unlock();  // handed to a, which has not run yet
            a.stop();
        });
    });
    EXPECT_EQ(a.status(), future_status::succeeded) << "task a did not wait again before its end";
    EXPECT_EQ(b.status(), future_status::succeeded);
    EXPECT_EQ(log, (std::vector<std::string>{"a has it", "b has it", "b done"}));
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C6_1_a_waiter_cancelled_when_just_handed_the_lock_unwinds_at_its_next_wait) {
    TypeParam m;
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            a = s.start([&]() -> bide::task<> {
                auto mine = co_await m.lock();
                log.emplace_back("a has it");
                co_await bide::sleep_for(1h);
                log.emplace_back("not reached");
            });
            s.start(lock_and_note<TypeParam>, std::ref(m), std::ref(log), "b");
            co_await bide::yield_now();
            held.unlock();
            a.stop();
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_EQ(log, (std::vector<std::string>{"a has it", "b has it", "b done"}));
    EXPECT_EQ(time.elapsed(), 0s);
}

TYPED_TEST(mutexes, C1_12_a_task_that_is_to_stop_does_not_lock) {
    TypeParam m;
    bool reached = false;
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> {
            a.stop();
            auto held = co_await m.lock();  // free
            reached = true;
        });
    });
    EXPECT_FALSE(reached);
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C1_12_a_loop_over_a_free_mutex_starves_nobody) {
    TypeParam m;
    bool over = false;
    long rounds = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            while (!over) {
                auto held = co_await m.lock();
                ++rounds;
            }
        });
        s.start([&]() -> bide::task<> {
            over = true;
            co_return;
        });
    });
    EXPECT_EQ(rounds, 128);
}

TYPED_TEST(mutexes, C6_1_unlocking_what_is_not_locked_throws) {
    TypeParam m;
    EXPECT_THROW(m.unlock(), bide::usage_error);
    auto held = m.lock().wait();
    held.unlock();
    EXPECT_FALSE(held.owns_lock());
    EXPECT_THROW(held.unlock(), bide::usage_error);
    EXPECT_THROW(m.unlock(), bide::usage_error);
    typename TypeParam::guard empty;
    EXPECT_THROW(empty.unlock(), bide::usage_error);
}

TYPED_TEST(mutexes, C6_1_guards_move_and_may_unlock_early) {
    TypeParam m;
    TypeParam other;
    {
        auto first = m.lock().wait();
        auto second = std::move(first);
        EXPECT_FALSE(first.owns_lock());  // NOLINT(bugprone-use-after-move): it is empty, that is the point
        EXPECT_TRUE(second);
        EXPECT_TRUE(m.locked());
        second = other.lock().wait();  // gives up m
        EXPECT_FALSE(m.locked());
        EXPECT_TRUE(other.locked());
    }
    EXPECT_FALSE(other.locked());
    {
        auto held = m.lock().wait();
        EXPECT_EQ(held.disown(), &m);
    }
    EXPECT_TRUE(m.locked());
    m.unlock();
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C6_1_try_lock_takes_what_is_free) {
    TypeParam m;
    auto held = m.try_lock();
    EXPECT_TRUE(held);
    EXPECT_FALSE(m.try_lock());
    held.unlock();
    EXPECT_TRUE(m.try_lock());
}

template <class M>
bide::task<> lock_in_a_helper(M& m) {
    auto held = co_await m.lock();
}

TYPED_TEST(mutexes, C6_1_locking_again_as_its_owner_throws_at_once) {
    TypeParam m;
    std::string said;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            try {
                co_await lock_in_a_helper(m);
                ADD_FAILURE() << "the helper is part of the same task";
            } catch (const bide::would_deadlock& e) {
                said = e.what();
            }
            EXPECT_THROW((void)m.lock().wait(), bide::would_deadlock) << "a wait() stands for the task that waits";
            EXPECT_TRUE(held.owns_lock());
        });
    });
    EXPECT_NE(said.find("lock_in_a_helper"), std::string::npos) << said;
    EXPECT_NE(said.find("mutex_test.cpp:"), std::string::npos) << said;
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C6_1_a_thread_that_locks_again_is_told) {
    TypeParam m;
    auto held = m.lock().wait();
    try {
        (void)m.lock().wait();
        ADD_FAILURE();
    } catch (const bide::would_deadlock& e) {
        EXPECT_NE(std::string(e.what()).find("mutex_test.cpp:"), std::string::npos) << e.what();
    }
    EXPECT_THROW(lock_in_a_helper(m).wait(), bide::would_deadlock);
    EXPECT_TRUE(m.locked());
}

TYPED_TEST(mutexes, C6_1_a_guard_may_be_moved_into_another_task) {
    TypeParam m;
    std::vector<std::string> log;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            s.start(
                [&](typename TypeParam::guard taken) -> bide::task<> {
                    co_await bide::yield_now();
                    log.emplace_back("worker done");
                    taken.unlock();
                },
                std::move(held));
            auto again = co_await m.lock();  // no deadlock: this task does not hold the mutex any more
            log.emplace_back("starter has it");
        });
    });
    EXPECT_EQ(log, (std::vector<std::string>{"worker done", "starter has it"}));
}

template <class M>
bide::task<> lock_both(M& first, M& second, std::vector<std::string>& log, std::string name) {
    auto one = co_await first.lock();
    co_await bide::yield_now();
    try {
        auto two = co_await second.lock();
        log.push_back(name + " has both");
    } catch (const bide::would_deadlock&) {
        log.push_back(name + " was told");
    }
}

TYPED_TEST(mutexes, C1_6_two_tasks_that_lock_crosswise_one_is_told) {
    TypeParam a;
    TypeParam b;
    std::vector<std::string> log;
    bide::with_scope([&](bide::scope& s) {
        s.start(lock_both<TypeParam>, std::ref(a), std::ref(b), std::ref(log), "ab");
        s.start(lock_both<TypeParam>, std::ref(b), std::ref(a), std::ref(log), "ba");
    });
    ASSERT_EQ(log.size(), 2U);
    EXPECT_NE(log[0].find("was told"), std::string::npos);
    EXPECT_NE(log[1].find("has both"), std::string::npos);
}

TYPED_TEST(mutexes, C1_6_wait_in_a_task_for_a_mutex_of_a_task_that_stands_still) {
    TypeParam m;
    bool told = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            co_await bide::yield_now();
            co_await bide::yield_now();
        });
        s.start([&]() -> bide::task<> {
            EXPECT_THROW((void)m.lock().wait(), bide::would_deadlock);  // the holder's loop stands still meanwhile
            told = true;
            co_return;
        });
    });
    EXPECT_TRUE(told);
    EXPECT_FALSE(m.locked());
}

TYPED_TEST(mutexes, C1_6_a_circle_through_a_future_is_found) {
    TypeParam m;
    bool told = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            auto other = s.start([&]() -> bide::task<> {
                try {
                    auto mine = co_await m.lock();
                } catch (const bide::would_deadlock&) {
                    told = true;
                    throw;
                }
            });
            try {
                co_await other;
                ADD_FAILURE();
            } catch (const bide::would_deadlock&) {
                told = true;  // one of the two tasks gets would_deadlock
            }
        });
    });
    EXPECT_TRUE(told);
}

TEST(mutex, C1_6_two_threads_that_lock_crosswise_one_is_told) {
    for (int round = 0; round < 20; ++round) {
        bide::mutex a;
        bide::mutex b;
        bide::event first_holds;
        bide::event second_holds;
        std::atomic<int> told{0};
        std::atomic<int> had_both{0};
        const auto cross = [&](bide::mutex& one, bide::mutex& two, bide::event& mine, bide::event& other) {
            auto held = one.lock().wait();
            mine.set();
            other.wait();
            try {
                auto second = two.lock().wait();
                ++had_both;
            } catch (const bide::would_deadlock&) {
                ++told;
            }
        };
        std::thread other([&] { cross(b, a, second_holds, first_holds); });
        cross(a, b, first_holds, second_holds);
        other.join();
        EXPECT_EQ(told, 1);
        EXPECT_EQ(had_both, 1);
    }
}

TEST(mutex, C6_3_coroutines_and_threads_take_turns) {
    bide::mutex m;
    bide::event thread_is_about_to_wait;
    std::vector<std::string> order;  // under m
    std::thread other;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            other = std::thread([&] {
                thread_is_about_to_wait.set();
                auto mine = m.lock().wait();
                order.emplace_back("thread");
            });
            co_await thread_is_about_to_wait;
            order.emplace_back("coroutine");
        });
    });
    other.join();
    EXPECT_EQ(order, (std::vector<std::string>{"coroutine", "thread"}));
}

TEST(local_mutex, C6_3_a_stop_request_may_come_from_another_thread) {
    bide::loop l;
    bide::local_mutex m;
    bide::event waiting;
    bide::event over;
    auto holder = l.submit([&]() -> bide::task<> {
        auto held = co_await m.lock();
        co_await over;
    });
    auto waiter = l.submit([&]() -> bide::task<> {
        waiting.set();
        auto held = co_await m.lock();
        ADD_FAILURE() << "the mutex is held until this task has been stopped";
    });
    std::thread runs([&] { l.run(); });
    waiting.wait();
    waiter.stop();
    EXPECT_THROW(waiter.wait(), bide::cancelled);
    over.set();
    holder.wait();
    runs.join();
    EXPECT_FALSE(m.locked());
}

TEST(mutex_death, C6_1_C18_7_destroyed_while_it_is_waited_for) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto m = std::make_unique<bide::mutex>();
            auto kept = m->lock().wait();
            bide::with_scope([&](bide::scope& s) {
                s.start(lock_in_a_helper<bide::mutex>, std::ref(*m));
                s.start([&]() -> bide::task<> {
                    m.reset();
                    co_return;
                });
            });
        },
        "bide: mutex destroyed while it is waited for, first of all by .*lock_in_a_helper.*mutex_test.cpp");
}

TEST(mutex_death, C6_1_C18_7_destroyed_while_it_is_locked) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto m = std::make_unique<bide::mutex>();
            auto held = m->lock().wait();
            m.reset();
        },
        "bide: mutex destroyed while it is locked");
}

struct alone {  // fails the test if two tasks are in the critical section at once
    bool& inside;
    explicit alone(bool& flag) : inside(flag) { EXPECT_FALSE(std::exchange(inside, true)); }
    alone(const alone&) = delete;
    alone& operator=(const alone&) = delete;
    ~alone() { inside = false; }
};

// One task is stopped at the k-th step of the whole program, for every k: the mutex is free afterwards, and every other
// task gets it.
TYPED_TEST(mutexes, C6_1_cancelled_at_every_step) {
    int swept = 0;
    for (int k = 0;; ++k) {
        TypeParam m;
        int step = 0;
        std::vector<bide::future<>> tasks;
        int sections = 0;
        bool inside = false;
        const auto point = [&] {
            if (step++ == k) tasks[1].stop();
        };
        bide::with_scope([&](bide::scope& s) {
            for (int id = 0; id < 3; ++id)
                tasks.push_back(s.start([&]() -> bide::task<> {
                    for (int round = 0; round < 3; ++round) {
                        point();
                        auto held = co_await m.lock();
                        {
                            const alone here(inside);
                            point();
                            co_await bide::yield_now();
                            ++sections;
                        }
                        held.unlock();
                        point();  // the mutex was handed over, perhaps to the task that is stopped now
                    }
                }));
        });
        if (step <= k) break;
        ++swept;
        EXPECT_FALSE(m.locked()) << "k = " << k;
        EXPECT_EQ(tasks[0].status(), future_status::succeeded) << "k = " << k;
        EXPECT_EQ(tasks[2].status(), future_status::succeeded) << "k = " << k;
        EXPECT_GE(sections, 6) << "k = " << k;
    }
    EXPECT_EQ(swept, 27);
}

TEST(mutex, C6_3_threads_and_coroutines_never_overlap) {
    constexpr int threads = 4;
    constexpr int rounds = 2000;
    bide::mutex m;
    long count = 0;  // not atomic: m alone guards it
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&, t] {
            if (t % 2 == 0) {
                for (int i = 0; i < rounds; ++i) {
                    auto held = m.lock().wait();
                    ++count;
                }
            } else {
                bide::with_scope([&](bide::scope& s) {
                    for (int i = 0; i < 4; ++i)
                        s.start([&]() -> bide::task<> {
                            for (int j = 0; j < rounds / 4; ++j) {
                                auto held = co_await m.lock();
                                ++count;
                                if (j % 16 == 0) co_await bide::yield_now();
                            }
                        });
                });
            }
        });
    for (auto& t : all) t.join();
    EXPECT_EQ(count, threads * rounds);
    EXPECT_FALSE(m.locked());
}

// Waiters are stopped by another thread while the mutex is handed from one to the next.
TEST(mutex, C6_1_cancelled_from_another_thread_while_it_is_handed_over) {
    constexpr int rounds = 300;
    for (int round = 0; round < rounds; ++round) {
        bide::mutex m;
        long inside = 0;
        std::atomic<int> had{0};
        std::vector<bide::future<>> waiters;
        bide::event queued;
        bide::loop l;
        for (int i = 0; i < 4; ++i)
            waiters.push_back(l.submit([&]() -> bide::task<> {
                auto held = co_await m.lock();
                EXPECT_EQ(++inside, 1);
                had.fetch_add(1, std::memory_order_relaxed);
                --inside;
            }));
        auto held = m.lock().wait();
        l.submit([&]() -> bide::task<> {  // runs after the others have queued
            queued.set();
            co_return;
        });
        std::thread runs([&] { l.run(); });
        std::thread stops([&] {
            queued.wait();
            waiters[static_cast<std::size_t>(round % 4)].stop();
        });
        queued.wait();
        held.unlock();
        stops.join();
        runs.join();
        EXPECT_FALSE(m.locked());
        EXPECT_GE(had, 3);
    }
}

}  // namespace
