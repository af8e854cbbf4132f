// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/condition.hpp>
#include <bide/sync/event.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::future_status;

struct shared_kind {
    using mutex = bide::mutex;
    using condition = bide::condition;
};
struct local_kind {
    using mutex = bide::local_mutex;
    using condition = bide::local_condition;
};
template <class K>
class conditions : public testing::Test {};
struct names {
    template <class K>
    static std::string GetName(int) {
        return std::is_same_v<K, shared_kind> ? "condition" : "local_condition";
    }
};
using kinds = testing::Types<shared_kind, local_kind>;
TYPED_TEST_SUITE(conditions, kinds, names);

// A mutex, a condition, and what tasks note under them.
template <class K>
struct bench {
    typename K::mutex m;
    typename K::condition changed;
    std::vector<std::string> log;
    int value = 0;

    bide::task<> wait_and_note(std::string name) {
        auto held = co_await m.lock();
        co_await changed.wait(held);
        EXPECT_TRUE(held.owns_lock());
        log.push_back(name);
        co_await bide::yield_now();  // the next waiter has to wait for the mutex
        log.push_back(name + " done");
    }
};

TYPED_TEST(conditions, C6_1_notify_one_wakes_in_order_and_notify_all_wakes_all) {
    bench<TypeParam> b;
    bide::with_scope([&](bide::scope& s) {
        for (const char* name : {"a", "b", "c"}) s.start([&](std::string n) { return b.wait_and_note(n); }, name);
        s.start([&]() -> bide::task<> {
            b.changed.notify_one();
            for (int i = 0; i < 4; ++i) co_await bide::yield_now();
            EXPECT_EQ(b.log, (std::vector<std::string>{"a", "a done"}));
            b.changed.notify_all();
        });
    });
    EXPECT_EQ(b.log, (std::vector<std::string>{"a", "a done", "b", "b done", "c", "c done"}));
    EXPECT_FALSE(b.m.locked());
}

TYPED_TEST(conditions, C6_1_who_is_notified_queues_for_the_mutex_first_come_first_served) {
    bench<TypeParam> b;
    bide::with_scope([&](bide::scope& s) {
        s.start([&] { return b.wait_and_note("waiter"); });
        s.start([&]() -> bide::task<> {
            auto held = co_await b.m.lock();
            s.start([&]() -> bide::task<> {
                auto mine = co_await b.m.lock();
                b.log.emplace_back("queued before the notification");
            });
            co_await bide::yield_now();
            b.changed.notify_one();  // with the mutex held
            s.start([&]() -> bide::task<> {
                auto mine = co_await b.m.lock();
                b.log.emplace_back("queued after it");
            });
            co_await bide::yield_now();
            EXPECT_TRUE(b.log.empty());
        });
    });
    EXPECT_EQ(b.log,
              (std::vector<std::string>{"queued before the notification", "waiter", "waiter done", "queued after it"}));
}

TYPED_TEST(conditions, C6_1_waits_for_a_predicate) {
    bench<TypeParam> b;
    int asked = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await b.m.lock();
            co_await b.changed.wait(held, [&] {
                ++asked;
                return b.value >= 2;
            });
            EXPECT_EQ(b.value, 2);
            EXPECT_TRUE(held.owns_lock());
            co_await b.changed.wait(held, [&] { return b.value == 2; });  // true already: no wait
        });
        s.start([&]() -> bide::task<> {
            for (int i = 0; i < 2; ++i) {
                {
                    auto held = co_await b.m.lock();
                    ++b.value;
                }
                b.changed.notify_one();
                co_await bide::yield_now();
                co_await bide::yield_now();
            }
        });
    });
    EXPECT_EQ(asked, 3);
    EXPECT_FALSE(b.m.locked());
}

TYPED_TEST(conditions, C6_1_what_the_predicate_throws_comes_through_with_the_mutex_held) {
    bench<TypeParam> b;
    auto held = b.m.lock().wait();
    EXPECT_THROW(b.changed.wait(held, []() -> bool { throw std::out_of_range("x"); }).wait(), std::out_of_range);
    EXPECT_TRUE(held.owns_lock());
}

TYPED_TEST(conditions, C6_1_a_guard_that_does_not_own_is_told) {
    bench<TypeParam> b;
    auto held = b.m.lock().wait();
    held.unlock();
    EXPECT_THROW(b.changed.wait(held).wait(), bide::usage_error);
}

// `where` the waiter is stopped: 0 before it waits, 1 while it waits, 2 when it was notified and is queued for the
// mutex, 3 when it was handed the mutex.
template <class K>
void cancel_at(int where) {
    bench<K> b;
    typename K::mutex::guard held;  // outlives the cancelled wait, as a caller's guard does
    std::vector<std::string> log;
    bide::future<> f;
    bide::with_scope([&](bide::scope& s) {
        f = s.start([&]() -> bide::task<> {
            held = co_await b.m.lock();
            if (where == 0) f.stop();
            co_await b.changed.wait(held);
            log.emplace_back("woken");
        });
        s.start([&]() -> bide::task<> {
            if (where == 0) {
                co_await bide::yield_now();
            } else if (where == 1) {
                f.stop();
                b.changed.notify_one();  // finds no waiter that it could claim
            } else {
                auto mine = co_await b.m.lock();
                b.changed.notify_one();
                if (where == 2) f.stop();
                mine.unlock();
                if (where == 3) f.stop();
            }
        });
    });
    if (where == 3) {  // the mutex was handed to the waiter: the effect is delivered
        EXPECT_EQ(f.status(), future_status::succeeded);
        EXPECT_TRUE(held.owns_lock());
        EXPECT_EQ(log, (std::vector<std::string>{"woken"}));
        held.unlock();
    } else {
        EXPECT_EQ(f.status(), future_status::cancelled);
        EXPECT_FALSE(held.owns_lock()) << "where = " << where;
        EXPECT_TRUE(log.empty());
    }
    EXPECT_FALSE(b.m.locked()) << "where = " << where;
}

TYPED_TEST(conditions, C6_1_a_cancelled_wait_ends_with_its_guard_not_owning) {
    for (int where = 0; where < 4; ++where) cancel_at<TypeParam>(where);
}

TYPED_TEST(conditions, C6_1_a_notification_is_not_lost_on_a_cancelled_waiter) {
    bench<TypeParam> b;
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&] { return b.wait_and_note("a"); });
        s.start([&] { return b.wait_and_note("b"); });
        s.start([&]() -> bide::task<> {
            a.stop();
            b.changed.notify_one();  // a is still in the list
            co_return;
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_EQ(b.log, (std::vector<std::string>{"b", "b done"}));
}

TYPED_TEST(conditions, C6_1_keeps_the_owner) {
    bench<TypeParam> b;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto held = co_await b.m.lock();
            co_await b.changed.wait(held);
            EXPECT_THROW((void)b.m.lock().wait(), bide::would_deadlock) << "the waiter holds the mutex again";
        });
        s.start([&]() -> bide::task<> {
            b.changed.notify_one();
            co_return;
        });
    });
}

// It is not promised which of the two tasks gets would_deadlock; the other one goes on then.
TYPED_TEST(conditions, C1_6_a_circle_through_relocking_is_found) {
    bench<TypeParam> b;
    typename TypeParam::mutex other;
    int told = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto first = co_await other.lock();
            auto held = co_await b.m.lock();
            try {
                co_await b.changed.wait(held);  // wants b.m again, holds `other`
            } catch (const bide::would_deadlock&) {
                ++told;
            }
        });
        s.start([&]() -> bide::task<> {
            auto held = co_await b.m.lock();
            b.changed.notify_one();
            try {
                auto second = co_await other.lock();
            } catch (const bide::would_deadlock&) {
                ++told;
            }
        });
    });
    EXPECT_EQ(told, 1);
}

// A small queue in the textbook manner, between threads and coroutines; a consumer is stopped now and then.
TEST(condition, C6_3_producers_and_consumers_on_threads_and_loops) {
    constexpr int items = 2000;
    bide::mutex m;
    bide::condition changed;
    std::deque<int> queue;  // under m
    bool over = false;      // under m
    std::atomic<long> sum{0};
    std::atomic<int> taken{0};
    const auto consume_on_a_thread = [&] {
        for (;;) {
            auto held = m.lock().wait();
            changed.wait(held, [&] { return over || !queue.empty(); }).wait();
            if (queue.empty()) return;
            sum += queue.front();
            ++taken;
            queue.pop_front();
        }
    };
    std::vector<std::thread> all;
    all.emplace_back(consume_on_a_thread);
    all.emplace_back([&] {
        bide::with_scope([&](bide::scope& s) {
            for (int i = 0; i < 3; ++i)
                s.start([&]() -> bide::task<> {
                    for (;;) {
                        auto held = co_await m.lock();
                        co_await changed.wait(held, [&] { return over || !queue.empty(); });
                        if (queue.empty()) co_return;
                        sum += queue.front();
                        ++taken;
                        queue.pop_front();
                    }
                });
        });
    });
    std::thread producer([&] {
        for (int i = 1; i <= items; ++i) {
            {
                auto held = m.lock().wait();
                queue.push_back(i);
            }
            changed.notify_one();
        }
        {
            auto held = m.lock().wait();
            over = true;
        }
        changed.notify_all();
    });
    producer.join();
    for (auto& t : all) t.join();
    EXPECT_EQ(taken, items);
    EXPECT_EQ(sum, long{items} * (items + 1) / 2);
    EXPECT_FALSE(m.locked());
}

TEST(condition, C6_1_cancelled_from_another_thread_while_it_is_notified) {
    for (int round = 0; round < 300; ++round) {
        bide::mutex m;
        bide::condition changed;
        bide::event waiting;
        bide::loop l;
        auto f = l.submit([&]() -> bide::task<> {
            auto held = co_await m.lock();
            waiting.set();
            co_await changed.wait(held);
            EXPECT_TRUE(held.owns_lock());
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        std::thread stops([&] { f.stop(); });
        {
            auto held = m.lock().wait();
            changed.notify_one();
        }
        stops.join();
        runs.join();
        EXPECT_NE(f.status(), future_status::pending);
        EXPECT_FALSE(m.locked());
    }
}

bide::task<> waits_for(bide::mutex& m, bide::condition& c) {
    auto held = co_await m.lock();
    co_await c.wait(held);
}

TEST(condition_death, C6_1_C18_7_destroyed_while_it_is_waited_for) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            bide::mutex m;
            auto c = std::make_unique<bide::condition>();
            bide::with_scope([&](bide::scope& s) {
                s.start(waits_for, std::ref(m), std::ref(*c));
                s.start([&]() -> bide::task<> {
                    c.reset();
                    co_return;
                });
            });
        },
        "bide: condition destroyed while it is waited for, first of all by .*waits_for.*condition_test.cpp");
}

}  // namespace
