// SPDX-License-Identifier: BSL-1.0
//
// Waits that can be seen to have no end throw would_deadlock, and no others do (contract 1.6). Each test is guarded:
// the fault that it looks for is a program that hangs.
#include <bide/error.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::watchdog;

enum class end : std::uint8_t { value, deadlock, cancelled, other };

// How waiting for it ended; the message of the deadlock.
template <class Wait>
end outcome_of(const Wait& wait, std::string* message = nullptr) {
    try {
        wait();
        return end::value;
    } catch (const bide::would_deadlock& e) {
        if (message != nullptr) *message = e.what();
        return end::deadlock;
    } catch (const bide::cancelled&) {
        return end::cancelled;
    } catch (...) {
        return end::other;
    }
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bide::task<int> just(int n) { co_return n; }

// A future that is filled in later, so that tasks can name one another.
using later = bide::promise<bide::future<>>;

// ---- one loop -------------------------------------------------------------------------------------------------------

TEST(wait_graph, C1_6_the_own_loop_threads_future_waited_for_in_a_task) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::string message;
    auto f = t.submit(
        [](bide::loop_thread& self, std::string& said) -> bide::task<end> {
            auto inner = self.submit(just, 1);
            co_return outcome_of([&] { inner.wait(); }, &said);
        },
        std::ref(t), std::ref(message));
    EXPECT_EQ(f.wait(), end::deadlock);
    EXPECT_TRUE(has(message, "Remedy")) << message;
    EXPECT_TRUE(has(message, "co_await")) << message;
    EXPECT_TRUE(has(message, "wait_graph_test.cpp")) << message;
    EXPECT_EQ(t.submit(just, 2).wait(), 2);  // the loop goes on
}

TEST(wait_graph, C1_6_the_own_loop_threads_future_waited_for_in_plain_code) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    auto f = t.call([&t] { return outcome_of([&t] { t.submit(just, 1).wait(); }); });
    EXPECT_EQ(f.wait(), end::deadlock);
}

TEST(wait_graph, C1_6_a_hot_future_that_only_the_loop_standing_still_could_finish) {
    const watchdog guard;
    std::atomic<int> deadlocks{0};
    bide::with_scope([&](bide::scope& s) {
        auto begun = s.start([]() -> bide::task<int> {  // begun, and in the midst of a sleep
            co_await bide::sleep_for(1ms);
            co_return 7;
        });
        s.start(
            [](bide::future<int> f, std::atomic<int>& n) -> bide::task<> {
                if (outcome_of([&] { f.wait(); }) == end::deadlock) ++n;
                EXPECT_EQ(co_await f, 7);  // what the message asks for
            },
            begun, std::ref(deadlocks));
    });
    EXPECT_EQ(deadlocks, 1);
}

TEST(wait_graph, C1_6_a_wait_within_a_wait_for_the_outer_loops_task) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    auto hot = std::make_shared<bide::future<int>>();
    auto f = t.submit(
        [](bide::loop_thread& self, std::shared_ptr<bide::future<int>> h) -> bide::task<end> {
            *h = self.submit(just, 1);
            const auto inner = [](std::shared_ptr<bide::future<int>> g) -> bide::task<end> {
                co_await bide::yield_now();
                co_return outcome_of([&] { g->wait(); });  // a second standstill upon the first
            };
            co_return inner(h).wait();
        },
        std::ref(t), hot);
    EXPECT_EQ(f.wait(), end::deadlock);
    EXPECT_EQ(hot->wait(), 1);
}

TEST(wait_graph, C1_6_a_task_that_awaits_its_own_future) {
    const watchdog guard;
    later p;
    auto own = p.get_future();
    bide::loop_thread t;
    t.start();
    auto f = t.submit(
        [](bide::future<bide::future<>> mine) -> bide::task<> {
            bide::future<> me = co_await mine;
            co_await me;
        },
        own);
    p.set_value(f);
    EXPECT_EQ(outcome_of([&] { f.wait(); }), end::deadlock);
}

TEST(wait_graph, C1_6_two_tasks_of_one_loop_that_await_one_another) {
    const watchdog guard;
    bide::loop l;
    later p;
    auto second_later = p.get_future();
    std::string message;
    auto first = l.submit(
        [](bide::future<bide::future<>> f) -> bide::task<> {
            bide::future<> other = co_await f;
            co_await other;
        },
        second_later);
    auto second = l.submit([](bide::future<> f) -> bide::task<> { co_await f; }, first);
    p.set_value(second);
    l.run();
    EXPECT_EQ(outcome_of([&] { first.value(); }, &message), end::deadlock);
    EXPECT_EQ(outcome_of([&] { second.value(); }), end::deadlock);  // the failure of what it waited for
    EXPECT_TRUE(has(message, "waits for a future")) << message;
}

TEST(wait_graph, C1_6_an_embedded_loop_finds_them_in_poll) {
    const watchdog guard;
    bide::loop l;
    later p;
    auto f = l.submit(
        [](bide::future<bide::future<>> mine) -> bide::task<> {
            bide::future<> me = co_await mine;
            co_await me;
        },
        p.get_future());
    p.set_value(f);
    while (l.poll()) {}
    EXPECT_EQ(outcome_of([&] { f.value(); }), end::deadlock);
}

// ---- several loops and threads --------------------------------------------------------------------------------------

struct ring_of_threads {
    std::vector<std::unique_ptr<bide::loop_thread>> threads;
    std::vector<later> next;
    std::vector<bide::future<>> tasks;
    explicit ring_of_threads(std::size_t n) : next(n) {
        for (std::size_t i = 0; i < n; ++i) {
            threads.push_back(std::make_unique<bide::loop_thread>());
            threads.back()->start();
        }
    }
    // Task i waits for the future of task i + 1; then each is told which that is.
    template <class Body>
    void close(Body body) {
        for (std::size_t i = 0; i < threads.size(); ++i)
            tasks.push_back(threads[i]->submit(body, next[i].get_future()));
        for (std::size_t i = 0; i < threads.size(); ++i) next[i].set_value(tasks[(i + 1) % tasks.size()]);
    }
    void expect_deadlock() {
        for (auto& f : tasks) EXPECT_EQ(outcome_of([&] { f.wait(); }), end::deadlock);
    }
};

TEST(wait_graph, C1_6_two_loop_threads_that_block_on_one_anothers_futures) {
    const watchdog guard;
    for (int i = 0; i < 20; ++i) {
        ring_of_threads ring(2);
        ring.close([](bide::future<bide::future<>> f) -> bide::task<> {
            bide::future<> other = co_await f;
            other.wait();
        });
        ring.expect_deadlock();
    }
}

TEST(wait_graph, C1_6_awaits_that_cross_two_loops) {
    const watchdog guard;
    for (int i = 0; i < 20; ++i) {
        ring_of_threads ring(2);
        ring.close([](bide::future<bide::future<>> f) -> bide::task<> {
            bide::future<> other = co_await f;
            co_await other;
        });
        ring.expect_deadlock();
    }
}

TEST(wait_graph, C1_6_a_ring_of_five_where_some_block_and_some_await) {
    const watchdog guard;
    for (int i = 0; i < 10; ++i) {
        ring_of_threads ring(5);
        std::atomic<int> n{0};
        ring.close([&n](bide::future<bide::future<>> f) -> bide::task<> {
            const bool blocks = n++ % 2 == 0;
            bide::future<> other = co_await f;
            if (blocks)
                other.wait();
            else
                co_await other;
        });
        ring.expect_deadlock();
    }
}

TEST(wait_graph, C1_6_a_chain_that_closes_later) {
    const watchdog guard;
    bide::loop_thread a;
    bide::loop_thread b;
    a.start();
    b.start();
    later p;
    bide::event go;
    auto second = b.submit(
        [](bide::event& gate, bide::future<bide::future<>> f) -> bide::task<> {
            co_await gate;
            bide::future<> other = co_await f;
            co_await other;
        },
        std::ref(go), p.get_future());
    auto first = a.submit([](bide::future<> f) -> bide::task<> { co_await f; }, second);
    p.set_value(first);
    // Both have been parked for a while when the chain closes.
    EXPECT_EQ(a.submit(just, 1).wait() + b.submit(just, 1).wait(), 2);
    EXPECT_EQ(first.status(), bide::future_status::pending);
    go.set();
    EXPECT_EQ(outcome_of([&] { first.wait(); }), end::deadlock);
    EXPECT_EQ(outcome_of([&] { second.wait(); }), end::deadlock);
}

TEST(wait_graph, C1_6_a_chain_that_is_closed_by_a_loop_that_begins_to_stand_still) {
    const watchdog guard;
    bide::loop_thread a;
    bide::loop_thread b;
    a.start();
    b.start();
    auto slow = a.submit(bide::sleep_for(1h));
    auto waits_for_a = b.submit([](bide::future<> f) -> bide::task<> { co_await f; }, slow);
    EXPECT_EQ(b.submit(just, 1).wait(), 1);  // it is parked over there
    // Now a stands still for something that needs a.
    auto stands = a.call([&] { return outcome_of([&] { waits_for_a.wait(); }); });
    EXPECT_EQ(stands.wait(), end::deadlock);
}

// ---- mutexes --------------------------------------------------------------------------------------------------------

TEST(wait_graph, C1_6_two_tasks_that_take_two_mutexes_in_different_order) {
    const watchdog guard;
    bide::mutex m[2];
    std::atomic<int> deadlocks{0};
    std::atomic<int> both{0};
    const auto body = [](bide::mutex& mine, bide::mutex& other, std::atomic<int>& d,
                         std::atomic<int>& ok) -> bide::task<> {
        auto first = co_await mine.lock();
        co_await bide::yield_now();
        try {
            auto second = co_await other.lock();
            ++ok;
        } catch (const bide::would_deadlock& e) {
            EXPECT_TRUE(has(e.what(), "one order")) << e.what();
            ++d;
        }
    };
    bide::with_scope([&](bide::scope& s) {
        static_cast<void>(s.start(body, std::ref(m[0]), std::ref(m[1]), std::ref(deadlocks), std::ref(both)));
        static_cast<void>(s.start(body, std::ref(m[1]), std::ref(m[0]), std::ref(deadlocks), std::ref(both)));
    });
    EXPECT_EQ(deadlocks, 1);  // one gives way
    EXPECT_EQ(both, 1);       // and the other goes on
}

TEST(wait_graph, C1_6_two_threads_that_take_two_mutexes_in_different_order) {
    const watchdog guard;
    for (int round = 0; round < 50; ++round) {
        bide::mutex m[2];
        std::atomic<int> deadlocks{0};
        std::atomic<int> both{0};
        std::promise<void> have[2];
        const auto body = [&](int i) {
            auto first = m[i].lock().wait();
            have[i].set_value();
            have[1 - i].get_future().wait();
            try {
                auto second = m[1 - i].lock().wait();
                ++both;
            } catch (const bide::would_deadlock&) {
                ++deadlocks;
            }
        };
        std::thread other([&] { body(1); });
        body(0);
        other.join();
        EXPECT_EQ(deadlocks, 1);
        EXPECT_EQ(both, 1);
    }
}

TEST(wait_graph, C1_6_a_thread_and_a_task_with_a_mutex_and_a_future) {
    const watchdog guard;
    bide::mutex m;
    bide::loop_thread t;
    t.start();
    auto held = m.lock().wait();
    auto f = t.submit(
        [](bide::mutex& mine) -> bide::task<end> {
            try {
                auto g = co_await mine.lock();
            } catch (const bide::would_deadlock&) {
                co_return end::deadlock;
            }
            co_return end::value;
        },
        std::ref(m));
    // This thread holds the mutex and waits for the task that waits for the mutex: one of the two is told.
    end here = end::other;
    try {
        here = f.wait();
    } catch (const bide::would_deadlock&) {
        here = end::deadlock;
    }
    EXPECT_EQ(here, end::deadlock);
}

TEST(wait_graph, C1_6_a_wait_with_a_mutex_held_for_a_loop_that_stands_on_it) {
    const watchdog guard;
    bide::mutex m;
    bide::loop_thread t;
    t.start();
    // The task holds the mutex over a suspension; plain code on its loop then blocks on the mutex: the holder can never
    // go on to give it up.
    std::promise<void> locked;
    auto holder = t.submit(
        [](bide::mutex& mine, std::promise<void>* p) -> bide::task<> {
            auto g = co_await mine.lock();
            p->set_value();
            co_await bide::sleep_for(1ms);
        },
        std::ref(m), &locked);
    locked.get_future().wait();
    auto blocked = t.call([&m] { return outcome_of([&m] { auto g = m.lock().wait(); }); });
    const end how = blocked.wait();
    EXPECT_TRUE(how == end::deadlock || how == end::value);  // value: the sleep was over before
    holder.wait();
}

// ---- through scopes -------------------------------------------------------------------------------------------------

TEST(wait_graph, C1_6_through_the_body_of_a_scope) {
    const watchdog guard;
    ring_of_threads ring(2);
    ring.close([](bide::future<bide::future<>> f) -> bide::task<> {
        bide::future<> other = co_await f;
        co_await bide::with_scope([&](bide::scope&) -> bide::task<> { co_await other; });
    });
    ring.expect_deadlock();
}

TEST(wait_graph, C1_6_through_the_only_task_of_a_scope) {
    const watchdog guard;
    ring_of_threads ring(2);
    ring.close([](bide::future<bide::future<>> f) -> bide::task<> {
        bide::future<> other = co_await f;
        co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {
            static_cast<void>(s.start([](bide::future<> g) -> bide::task<> { co_await g; }, other));
            co_return;
        });
    });
    ring.expect_deadlock();
}

// ---- what has an end ------------------------------------------------------------------------------------------------

TEST(wait_graph, C1_6_a_promise_that_another_thread_completes_is_no_deadlock) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    bide::promise<int> p;
    auto f = p.get_future();
    std::promise<void> standing;
    auto r = t.call([&] {
        standing.set_value();
        return f.wait();  // the loop stands still, for somebody outside
    });
    standing.get_future().wait();
    p.set_value(5);
    EXPECT_EQ(r.wait(), 5);
}

TEST(wait_graph, C1_6_blocking_on_another_loops_future_is_no_deadlock) {
    const watchdog guard;
    bide::loop_thread a;
    bide::loop_thread b;
    a.start();
    b.start();
    auto f = a.call([&] {
        return b
            .submit([]() -> bide::task<int> {
                co_await bide::sleep_for(1ms);
                co_return 3;
            })
            .wait();
    });
    EXPECT_EQ(f.wait(), 3);
}

TEST(wait_graph, C1_6_a_cycle_that_a_sibling_ends_is_no_deadlock) {
    const watchdog guard;
    bide::loop l;
    bide::future<int> first;
    bide::future<end> second;
    bide::event parked;
    // first: a scope, one of whose tasks waits for second, until the body stops them all. second waits for first.
    first = l.submit(
        [](bide::future<end>& other, bide::event& go) -> bide::task<int> {
            bide::scope_options options;
            options.exit = bide::exit_mode::cancel;
            co_await bide::with_scope(options, [&](bide::scope& s) -> bide::task<> {
                co_await go;
                static_cast<void>(s.start([](bide::future<end> f) -> bide::task<> { co_await f; }, other));
                co_await bide::sleep_for(2ms);
            });
            co_return 4;
        },
        std::ref(second), std::ref(parked));
    second = l.submit(
        [](bide::future<int> f, bide::event& go) -> bide::task<end> {
            go.set();
            try {
                EXPECT_EQ(co_await f, 4);
            } catch (const bide::would_deadlock&) {
                co_return end::deadlock;
            }
            co_return end::value;
        },
        first, std::ref(parked));
    l.run();
    EXPECT_EQ(first.value(), 4);
    EXPECT_EQ(second.value(), end::value);
}

TEST(wait_graph, C1_6_waits_without_a_cycle_on_many_threads_are_left_alone) {
    const watchdog guard;
    // Each task waits for tasks with lower numbers only, on any of the loops, by await or by blocking.
    for (unsigned seed = 1; seed <= 10; ++seed) {
        std::vector<std::unique_ptr<bide::loop_thread>> threads;
        for (int i = 0; i < 3; ++i) {
            threads.push_back(std::make_unique<bide::loop_thread>());
            threads.back()->start();
        }
        std::vector<bide::future<int>> all;
        unsigned random = seed;
        const auto next = [&random](unsigned n) {
            random = random * 1664525 + 1013904223;
            return (random >> 8) % n;
        };
        for (unsigned i = 0; i < 200; ++i) {
            std::vector<bide::future<int>> waits_for;
            for (unsigned k = 0; k < 3 && i > 0; ++k) waits_for.push_back(all[next(i)]);
            all.push_back(threads[next(3)]->submit(
                [](std::vector<bide::future<int>> below) -> bide::task<int> {
                    int n = 1;
                    co_await bide::yield_now();
                    for (auto& f : below) {
                        const int in = co_await f;
                        n = n < in + 1 ? in + 1 : n;
                    }
                    co_return n;
                },
                waits_for));
        }
        for (auto& f : all) EXPECT_EQ(outcome_of([&] { f.wait(); }), end::value) << "seed " << seed;
    }
}

TEST(wait_graph, C1_6_a_waiter_that_is_cancelled_breaks_the_chain) {
    const watchdog guard;
    bide::loop_thread a;
    bide::loop_thread b;
    a.start();
    b.start();
    later p;
    bide::event go;
    auto second = b.submit(
        [](bide::event& gate, bide::future<bide::future<>> f) -> bide::task<end> {
            co_await gate;
            bide::future<> other = co_await f;
            try {
                co_await other;
            } catch (const bide::cancelled&) {
                co_return end::cancelled;
            } catch (const bide::would_deadlock&) {
                co_return end::deadlock;
            }
            co_return end::value;
        },
        std::ref(go), p.get_future());
    auto first = a.submit([](bide::future<end> f) -> bide::task<> { static_cast<void>(co_await f); }, second);
    p.set_value(first);
    EXPECT_EQ(a.submit(just, 1).wait(), 1);
    first.stop();
    EXPECT_EQ(outcome_of([&] { first.wait(); }), end::cancelled);
    go.set();
    EXPECT_EQ(second.wait(), end::cancelled);
}

// ---- how it is found ------------------------------------------------------------------------------------------------

TEST(wait_graph, C1_6_the_search_touches_no_executor_that_is_gone) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::loop a;
    auto b = std::make_unique<bide::loop>();
    bide::loop d;
    bide::event go;
    auto on_b = b->submit([](bide::event& gate) -> bide::task<> { co_await gate; }, std::ref(go));
    auto on_a = a.submit([](bide::future<> f) -> bide::task<> { co_await f; }, on_b);
    while (b->poll()) {}
    while (a.poll()) {}  // parked, and known to the graph
    go.set();
    while (b->poll()) {}  // what it waits for has ended; but a is not run, so it does not know yet
    b.reset();
    auto how = d.submit([&]() -> bide::task<end> {
        co_return outcome_of([&] {
            bide::with_scope([&](bide::scope& s) {
                static_cast<void>(s.start([&]() -> bide::task<> {
                    co_await bide::sleep_for(1s);  // over only after this thread has blocked, and has been looked at
                    while (a.poll()) {}
                }));
                on_a.wait();
            });
        });
    });
    d.run();
    EXPECT_EQ(how.value(), end::value);
}

TEST(wait_graph, C1_6_very_many_waits_below_one_scope_end_in_any_order) {
    const watchdog guard;  // the fault that it looks for takes minutes
    const bide::testing::virtual_time time;
    constexpr std::size_t n = 100'000;
    std::vector<bide::promise<>> ends(n);
    std::size_t ended = 0;
    bide::with_scope([&](bide::scope& s) {
        for (bide::promise<>& p : ends)
            static_cast<void>(s.start(
                [](bide::future<> f, std::size_t& count) -> bide::task<> {
                    co_await f;
                    ++count;
                },
                p.get_future(), std::ref(ended)));
        static_cast<void>(s.start([&]() -> bide::task<> {
            co_await bide::sleep_for(1s);         // all of them are parked, and were looked at before time went on
            constexpr std::size_t step = 48'271;  // coprime to n: each once, neither first nor last in order
            for (std::size_t i = 0, at = 7; i < n; ++i, at = (at + step) % n) ends[at].set_value();
        }));
    });
    EXPECT_EQ(ended, n);
}

TEST(wait_graph, C1_6_a_long_chain_of_waits_is_searched_without_the_native_stack) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    constexpr std::size_t n = 100'000;
    bide::loop l;
    bide::promise<> begin;
    std::vector<bide::future<>> chain{begin.get_future()};
    for (std::size_t i = 0; i < n; ++i)
        chain.push_back(l.submit([](bide::future<> f) -> bide::task<> { co_await f; }, chain.back()));
    auto closes = l.submit([&]() -> bide::task<> {
        co_await bide::sleep_for(1s);
        begin.set_value();
    });
    l.run();
    EXPECT_EQ(chain.back().status(), bide::future_status::succeeded);
}

TEST(wait_graph, C1_6_a_long_chain_of_waits_that_closes_is_told) {
    const watchdog guard;
    constexpr std::size_t n = 20'000;
    bide::loop l;
    later p;
    std::vector<bide::future<>> chain;
    chain.push_back(l.submit(
        [](bide::future<bide::future<>> f) -> bide::task<> {
            bide::future<> last = co_await f;
            co_await last;
        },
        p.get_future()));
    for (std::size_t i = 0; i < n; ++i)
        chain.push_back(l.submit([](bide::future<> f) -> bide::task<> { co_await f; }, chain.back()));
    p.set_value(chain.back());
    l.run();
    for (const auto& f : chain) EXPECT_EQ(outcome_of([&] { f.value(); }), end::deadlock);
}

// Runs the body in turns with another one, so that the loop always has something ready; until `over`, or for so many
// turns.
bide::task<> keeps_busy(bide::event& mine, bide::event& other, const bide::future<>& over, int& turns) {
    while (turns < 20'000 && over.status() == bide::future_status::pending) {
        ++turns;
        mine.reset();
        other.set();
        co_await mine;
    }
    other.set();
}

TEST(wait_graph, C1_6_a_loop_that_never_sleeps_is_examined_too) {
    const watchdog guard;
    for (const bool polled : {false, true}) {
        bide::loop l;
        later p;
        auto first = l.submit(
            [](bide::future<bide::future<>> f) -> bide::task<> {
                bide::future<> other = co_await f;
                co_await other;
            },
            p.get_future());
        auto second = l.submit([](bide::future<> f) -> bide::task<> { co_await f; }, first);
        p.set_value(second);
        bide::event ping;
        bide::event pong;
        int turns = 0;
        auto a = l.submit(keeps_busy, std::ref(ping), std::ref(pong), std::cref(first), std::ref(turns));
        auto b = l.submit(keeps_busy, std::ref(pong), std::ref(ping), std::cref(first), std::ref(turns));
        if (polled)
            while (l.poll()) {}
        else
            l.run();
        EXPECT_LT(turns, 2'000) << "polled: " << polled;
        EXPECT_EQ(outcome_of([&] { first.value(); }), end::deadlock);
        EXPECT_EQ(outcome_of([&] { second.value(); }), end::deadlock);
    }
}

}  // namespace
