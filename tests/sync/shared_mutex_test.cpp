// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/shared_mutex.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::future_status;

template <class M>
class shared_mutexes : public testing::Test {};
struct names {
    template <class M>
    static std::string GetName(int) {
        return std::is_same_v<M, bide::shared_mutex> ? "shared_mutex" : "local_shared_mutex";
    }
};
using kinds = testing::Types<bide::shared_mutex, bide::local_shared_mutex>;
TYPED_TEST_SUITE(shared_mutexes, kinds, names);

using log_of = std::vector<std::string>;

template <class M>
bide::task<> read(M& m, log_of& log, std::string name) {
    auto held = co_await m.lock_shared();
    log.push_back("+" + name);
    co_await bide::yield_now();
    co_await bide::yield_now();
    log.push_back("-" + name);
}
template <class M>
bide::task<> write(M& m, log_of& log, std::string name) {
    auto held = co_await m.lock();
    log.push_back("+" + name);
    co_await bide::yield_now();
    log.push_back("-" + name);
}

TYPED_TEST(shared_mutexes, C6_1_readers_together_writers_alone_first_come_first_served) {
    TypeParam m;
    log_of log;
    bide::with_scope([&](bide::scope& s) {
        s.start(read<TypeParam>, std::ref(m), std::ref(log), "r1");
        s.start(read<TypeParam>, std::ref(m), std::ref(log), "r2");
        s.start(write<TypeParam>, std::ref(m), std::ref(log), "w1");
        s.start(read<TypeParam>, std::ref(m), std::ref(log), "r3");  // behind the writer, so that it does not starve
        s.start(read<TypeParam>, std::ref(m), std::ref(log), "r4");
        s.start(write<TypeParam>, std::ref(m), std::ref(log), "w2");
    });
    EXPECT_EQ(log, (log_of{"+r1", "+r2", "-r1", "-r2", "+w1", "-w1", "+r3", "+r4", "-r3", "-r4", "+w2", "-w2"}));
}

TYPED_TEST(shared_mutexes, C6_1_when_a_waiting_writer_is_cancelled_the_readers_behind_it_go_in) {
    TypeParam m;
    log_of log;
    bide::future<> writer;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock_shared();
            while (log.size() < 2) co_await bide::yield_now();
            EXPECT_EQ(log, (log_of{"+r", "-r"}));  // the other reader is admitted while this task still reads
        });
        writer = s.start(write<TypeParam>, std::ref(m), std::ref(log), "w");
        s.start(read<TypeParam>, std::ref(m), std::ref(log), "r");
        s.start([&]() -> bide::task<> {
            EXPECT_FALSE(m.try_lock_shared());
            writer.stop();
            co_return;
        });
    });
    EXPECT_EQ(writer.status(), future_status::cancelled);
}

TYPED_TEST(shared_mutexes, C6_1_a_cancelled_waiter_is_skipped_and_one_just_let_in_unlocks) {
    TypeParam m;
    log_of log;
    bide::future<> a;
    bide::future<> b;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock();
            a = s.start(write<TypeParam>, std::ref(m), std::ref(log), "a");
            b = s.start(write<TypeParam>, std::ref(m), std::ref(log), "b");
            s.start(read<TypeParam>, std::ref(m), std::ref(log), "c");
            co_await bide::yield_now();
            a.stop();
            held.unlock();  // hands the mutex to b
            b.stop();
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_EQ(b.status(), future_status::cancelled);  // at its next wait, where it held the mutex
    EXPECT_EQ(log, (log_of{"+b", "+c", "-c"}));
    EXPECT_TRUE(m.try_lock());
}

TYPED_TEST(shared_mutexes, C6_1_try_lock) {
    TypeParam m;
    {
        auto reading = m.try_lock_shared();
        EXPECT_TRUE(reading);
        EXPECT_TRUE(m.try_lock_shared());
        EXPECT_FALSE(m.try_lock());
    }
    auto writing = m.try_lock();
    EXPECT_TRUE(writing);
    EXPECT_FALSE(m.try_lock());
    EXPECT_FALSE(m.try_lock_shared());
}

TYPED_TEST(shared_mutexes, C6_1_unlocking_what_is_not_locked_throws) {
    TypeParam m;
    EXPECT_THROW(m.unlock(), bide::usage_error);
    EXPECT_THROW(m.unlock_shared(), bide::usage_error);
    auto reading = m.lock_shared().wait();
    EXPECT_THROW(m.unlock(), bide::usage_error);
    reading.unlock();
    EXPECT_THROW(reading.unlock(), bide::usage_error);
    auto writing = m.lock().wait();
    EXPECT_THROW(m.unlock_shared(), bide::usage_error);
    EXPECT_EQ(writing.disown(), &m);
    EXPECT_THROW(writing.unlock(), bide::usage_error);
    m.unlock();
    EXPECT_TRUE(m.try_lock());
}

TYPED_TEST(shared_mutexes, C6_1_locking_again_as_its_owner_throws_at_once) {
    TypeParam m;
    bool through = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            {
                auto writing = co_await m.lock();
                EXPECT_THROW((void)m.lock().wait(), bide::would_deadlock);
                EXPECT_THROW((void)m.lock_shared().wait(), bide::would_deadlock);
            }
            auto reading = co_await m.lock_shared();
            auto again = co_await m.lock_shared();  // harmless while no writer waits
            again.unlock();
            reading.unlock();
            auto alone = co_await m.lock_shared();
            try {
                auto writing = co_await m.lock();
                ADD_FAILURE() << "the task waits for its own shared lock";
            } catch (const bide::would_deadlock&) {
                through = true;
            }
        });
    });
    EXPECT_TRUE(through);
    EXPECT_TRUE(m.try_lock());
}

TYPED_TEST(shared_mutexes, C1_6_two_writers_that_lock_crosswise_one_is_told) {
    TypeParam a;
    TypeParam b;
    int told = 0;
    const auto cross = [&](TypeParam& one, TypeParam& two) -> bide::task<> {
        auto first = co_await one.lock();
        co_await bide::yield_now();
        try {
            auto second = co_await two.lock_shared();
        } catch (const bide::would_deadlock&) {
            ++told;
        }
    };
    bide::with_scope([&](bide::scope& s) {
        s.start(cross, std::ref(a), std::ref(b));
        s.start(cross, std::ref(b), std::ref(a));
    });
    EXPECT_EQ(told, 1);
}

TYPED_TEST(shared_mutexes, C6_1_a_guard_may_be_moved_into_another_task) {
    TypeParam m;
    log_of log;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await m.lock_shared();
            s.start(
                [&](typename TypeParam::shared_guard taken) -> bide::task<> {
                    co_await bide::yield_now();
                    log.emplace_back("reader done");
                    taken.unlock();
                },
                std::move(held));
            auto writing = co_await m.lock();  // no deadlock: this task does not hold the shared lock any more
            log.emplace_back("writer");
        });
    });
    EXPECT_EQ(log, (log_of{"reader done", "writer"}));
}

// One task is stopped at the k-th step of the whole program, for every k: the mutex is always free afterwards.
TYPED_TEST(shared_mutexes, C6_1_cancelled_at_every_step) {
    int swept = 0;
    for (int k = 0;; ++k)
        for (std::size_t victim = 0; victim < 4; ++victim) {
            TypeParam m;
            int step = 0;
            std::vector<bide::future<>> tasks;
            const auto point = [&] {
                if (step++ == k) tasks[victim].stop();
            };
            bide::with_scope([&](bide::scope& s) {
                for (int id = 0; id < 4; ++id)
                    tasks.push_back(s.start(
                        [&](int me) -> bide::task<> {
                            for (int round = 0; round < 2; ++round) {
                                point();
                                if ((me + round) % 2 == 0) {
                                    auto writing = co_await m.lock();
                                    point();
                                    co_await bide::yield_now();
                                } else {
                                    auto reading = co_await m.lock_shared();
                                    point();
                                    co_await bide::yield_now();
                                }
                                point();
                            }
                        },
                        id));
            });
            if (step <= k) {
                EXPECT_GE(swept, 80);
                return;
            }
            ++swept;
            EXPECT_TRUE(m.try_lock()) << "k = " << k << ", victim = " << victim;
            for (std::size_t other = 0; other < 4; ++other) {
                if (other == victim) continue;
                EXPECT_EQ(tasks[other].status(), future_status::succeeded) << "k = " << k << ", victim = " << victim;
            }
        }
}

TEST(shared_mutex, C6_3_threads_and_coroutines_never_read_half_a_write) {
    constexpr int rounds = 1000;
    bide::shared_mutex m;
    long a = 0;  // both under m
    long b = 0;
    std::atomic<long> reads{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([&, t] {
            if (t < 2) {
                for (int i = 0; i < rounds; ++i) {
                    if (i % 8 == 0) {
                        auto writing = m.lock().wait();
                        ++a;
                        ++b;
                    } else {
                        auto reading = m.lock_shared().wait();
                        EXPECT_EQ(a, b);
                        ++reads;
                    }
                }
            } else {
                bide::with_scope([&](bide::scope& s) {
                    for (int c = 0; c < 3; ++c)
                        s.start([&]() -> bide::task<> {
                            for (int i = 0; i < rounds / 2; ++i) {
                                if (i % 8 == 0) {
                                    auto writing = co_await m.lock();
                                    ++a;
                                    co_await bide::yield_now();
                                    ++b;
                                } else {
                                    auto reading = co_await m.lock_shared();
                                    EXPECT_EQ(a, b);
                                    ++reads;
                                }
                            }
                        });
                });
            }
        });
    for (auto& t : all) t.join();
    EXPECT_EQ(a, b);
    EXPECT_EQ(a + reads, 2 * rounds + 2 * 3 * (rounds / 2));
}

bide::task<> waits_for(bide::shared_mutex& m) { auto held = co_await m.lock_shared(); }

TEST(shared_mutex_death, C6_1_C18_7_destroyed_while_it_is_waited_for_or_locked) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto m = std::make_unique<bide::shared_mutex>();
            auto kept = m->lock().wait();
            bide::with_scope([&](bide::scope& s) {
                s.start(waits_for, std::ref(*m));
                s.start([&]() -> bide::task<> {
                    m.reset();
                    co_return;
                });
            });
        },
        "bide: shared_mutex destroyed while it is waited for, first of all by .*waits_for.*shared_mutex_test.cpp");
    EXPECT_DEATH(
        {
            auto m = std::make_unique<bide::shared_mutex>();
            auto held = m->lock_shared().wait();
            m.reset();
        },
        "bide: shared_mutex destroyed while it is locked");
}

}  // namespace
