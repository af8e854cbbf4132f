// SPDX-License-Identifier: BSL-1.0
#include <bide/error.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/strand.hpp>
#include <bide/sync/event.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::watchdog;

// Not atomic on purpose: only a strand keeps it right, and TSan watches.
struct shared_data {
    int count = 0;
    bool inside = false;
    int overlaps = 0;
    void touch() {
        if (inside) ++overlaps;
        inside = true;
        const int n = count;
        std::this_thread::yield();
        count = n + 1;
        inside = false;
    }
};

TEST(strand, C8_1_tasks_coroutines_of_other_loops_and_threads_run_one_at_a_time) {
    const watchdog guard;
    shared_data data;
    bide::loop_thread base;
    bide::loop_thread other;
    base.start();
    other.start();
    {
        bide::strand s(base.get_executor());
        std::vector<bide::future<>> all;
        for (int i = 0; i < 50; ++i) {
            all.push_back(s.submit(
                [](shared_data& d) -> bide::task<> {
                    for (int k = 0; k < 4; ++k) {
                        d.touch();
                        co_await bide::yield_now();
                    }
                },
                std::ref(data)));
            all.push_back(other.submit(
                [](bide::strand& in, shared_data& d) -> bide::task<> {
                    auto inside = co_await in.enter();
                    for (int k = 0; k < 4; ++k) {
                        d.touch();
                        co_await bide::yield_now();
                    }
                },
                std::ref(s), std::ref(data)));
        }
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&] {
                for (int k = 0; k < 50; ++k) {
                    auto inside = s.enter().wait();
                    data.touch();
                    if (k % 10 == 0) bide::wait(bide::yield_now());
                    data.touch();
                }
            });
        for (auto& t : threads) t.join();
        for (auto& f : all) f.wait();
        auto inside = s.enter().wait();
        EXPECT_EQ(data.overlaps, 0);
        EXPECT_EQ(data.count, 50 * 4 * 2 + 3 * 50 * 2);
    }
}

TEST(strand, C8_1_a_coroutine_stays_on_its_own_executor) {
    const watchdog guard;
    bide::loop_thread base;
    bide::loop_thread home;
    base.start();
    home.start();
    bide::strand s(base.get_executor());
    auto same = home.submit(
        [](bide::strand& in) -> bide::task<bool> {
            const auto here = std::this_thread::get_id();
            bool stayed = true;
            {
                auto inside = co_await in.enter();
                stayed = stayed && std::this_thread::get_id() == here;
                co_await bide::sleep_for(1ms);
                stayed = stayed && std::this_thread::get_id() == here;
            }
            co_await bide::yield_now();
            co_return stayed&& std::this_thread::get_id() == here;
        },
        std::ref(s));
    EXPECT_TRUE(same.wait());
    EXPECT_EQ(s.submit(
                   [](bide::loop_thread& b) -> bide::task<bool> {
                       const auto here = std::this_thread::get_id();
                       static_cast<void>(b);
                       co_await bide::yield_now();
                       co_return here == std::this_thread::get_id();
                   },
                   std::ref(base))
                  .wait(),
              true);
}

TEST(strand, C8_1_suspending_lets_the_others_in) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    bide::event never_held;
    auto waits = s.submit([](bide::event& e) -> bide::task<> { co_await e; }, std::ref(never_held));
    auto sets = s.submit(
        [](bide::event& e) -> bide::task<> {
            e.set();
            co_return;
        },
        std::ref(never_held));
    sets.wait();
    waits.wait();
}

TEST(strand, C8_1_wait_in_plain_code_of_a_thread_lets_the_others_in) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    auto inside = s.enter().wait();
    // The strand's task can run only because the wait() of this member gives the strand up.
    EXPECT_EQ(s.submit([]() -> bide::task<int> { co_return 5; }).wait(), 5);
}

TEST(strand, C8_1_wait_in_a_task_of_the_strand_lets_threads_in_and_comes_back) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    bide::event entered;
    std::atomic<bool> standing{false};
    auto f = s.submit(
        [](bide::event& e, std::atomic<bool>& st) -> bide::task<int> {
            st = true;
            e.wait();  // blocks the base's thread
            co_return 1;
        },
        std::ref(entered), std::ref(standing));
    auto queued = s.submit([]() -> bide::task<int> { co_return 2; });  // cannot run before the first task's wait ends
    while (!standing) std::this_thread::yield();
    std::thread t([&] {
        auto inside = s.enter().wait();
        entered.set();
    });
    (void)f;
    EXPECT_EQ(f.wait() + queued.wait(), 3);
    t.join();
}

TEST(strand, C8_1_blocking_outside_bide_keeps_it) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    std::atomic<int> in{0};
    std::promise<void> began;
    auto inside = std::make_unique<std::thread>([&] {
        auto g = s.enter().wait();
        began.set_value();
        for (int i = 0; i < 1000; ++i) {
            std::this_thread::yield();
            if (in != 0) return;
        }
        in = 100;
    });
    began.get_future().wait();
    auto f = s.submit([](std::atomic<int>& n) -> bide::task<int> { co_return n++; }, std::ref(in));
    EXPECT_EQ(f.wait(), 100);
    inside->join();
}

TEST(strand, C8_1_let_in_is_first_come_first_served) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    std::vector<int> order;
    std::vector<bide::future<>> all;
    {
        auto inside = s.enter().wait();
        const auto task_of_strand = [](std::vector<int>& o, int n) -> bide::task<> {
            o.push_back(n);
            co_return;
        };
        const auto coroutine = [](bide::strand& in, std::vector<int>& o, int n) -> bide::task<> {
            auto g = co_await in.enter();
            o.push_back(n);
        };
        for (int n = 0; n < 6; n += 2) {
            all.push_back(s.submit(task_of_strand, std::ref(order), n));
            all.push_back(base.submit(coroutine, std::ref(s), std::ref(order), n + 1));
            std::promise<void> queued;  // a wait() of bide's would leave the strand
            static_cast<void>(base.call([&queued] { queued.set_value(); }));
            queued.get_future().wait();
        }
    }
    for (auto& f : all) f.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

TEST(strand, C8_1_a_waiter_that_is_cancelled_leaves_the_queue) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    bool ran = false;
    const auto coroutine = [](bide::strand& in, bool& r) -> bide::task<> {
        auto g = co_await in.enter();
        r = true;
    };
    bide::future<> f;
    {
        auto inside = s.enter().wait();
        f = base.submit(coroutine, std::ref(s), std::ref(ran));
        std::promise<void> queued;
        static_cast<void>(base.call([&queued] { queued.set_value(); }));
        queued.get_future().wait();
        f.stop();
        EXPECT_THROW(f.wait(), bide::cancelled);
    }
    EXPECT_FALSE(ran);
    EXPECT_EQ(s.submit([]() -> bide::task<int> { co_return 1; }).wait(), 1);
}

TEST(strand, C8_1_cancelled_inside_it_unwinds_in_the_strand_and_gives_it_up) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    std::promise<void> in;
    auto f = base.submit(
        [](bide::strand& st, std::promise<void>* p) -> bide::task<> {
            auto g = co_await st.enter();
            p->set_value();
            co_await bide::sleep_for(1h);
        },
        std::ref(s), &in);
    in.get_future().wait();
    f.stop();
    EXPECT_THROW(f.wait(), bide::cancelled);
    auto mine = s.enter().wait();
}

TEST(strand, C8_1_C1_6_entering_ones_own_strand_throws) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    {
        auto inside = s.enter().wait();
        EXPECT_THROW(static_cast<void>(s.enter().wait()), bide::would_deadlock);
    }
    const auto twice = [](bide::strand& st) -> bide::task<int> {
        auto g = co_await st.enter();
        try {
            auto h = co_await st.enter();
        } catch (const bide::would_deadlock&) {
            co_return 1;
        }
        co_return 0;
    };
    EXPECT_EQ(base.submit(twice, std::ref(s)).wait(), 1);
    const auto of_strand = [](bide::strand& st) -> bide::task<int> {
        try {
            auto g = co_await st.enter();
        } catch (const bide::would_deadlock&) {
            co_return 2;
        }
        co_return 0;
    };
    EXPECT_EQ(s.submit(of_strand, std::ref(s)).wait(), 2);
}

TEST(strand, C8_1_C1_6_blocking_in_it_for_a_task_of_the_own_strand_throws) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::strand s(base.get_executor());
    auto f = s.submit(
        [](bide::strand& st) -> bide::task<int> {
            auto inner = st.submit([]() -> bide::task<int> { co_return 1; });
            try {
                co_return inner.wait();
            } catch (const bide::would_deadlock&) {}
            co_return 10 + co_await inner;
        },
        std::ref(s));
    EXPECT_EQ(f.wait(), 11);
}

TEST(strand, C8_1_run_enters_calls_and_leaves) {
    const watchdog guard;
    bide::strand s;
    EXPECT_EQ(s.run([](int a, int b) { return a + b; }, 1, 2).wait(), 3);
    EXPECT_EQ(s.run(
                   [](int a) -> bide::task<int> {
                       co_await bide::yield_now();
                       co_return a;
                   },
                   7)
                  .wait(),
              7);
    EXPECT_THROW(s.run([]() -> int { throw std::out_of_range("no"); }).wait(), std::out_of_range);
    auto inside = s.enter().wait();
}

TEST(strand, C8_1_the_destructor_stops_its_tasks_and_waits_for_them) {
    const watchdog guard;
    bide::loop_thread base;
    base.start();
    bide::future<> f;
    {
        bide::strand s(base.get_executor());
        f = s.submit([]() -> bide::task<> { co_await bide::sleep_for(1h); });
    }
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
}

// Two tasks of a strand yield until a timer has fired, and one task works meanwhile: time jumps as soon as every task
// only yields, and not before.
TEST(strand, C3_11_in_virtual_time_yields_on_a_strand_count_as_idle) {
    const bide::testing::virtual_time time;
    bide::idle_loop here;
    bide::strand s(here.get());
    int tokens = 0;
    std::chrono::nanoseconds worked_until{};
    std::vector<std::chrono::seconds> at;
    const auto take = [&](int wanted) -> bide::task<> {
        while (tokens < wanted) co_await bide::yield_now();
        at.push_back(std::chrono::duration_cast<std::chrono::seconds>(time.elapsed()));
    };
    const auto work = [&]() -> bide::task<> {
        const auto nothing = []() -> bide::task<> { co_return; };
        for (int i = 0; i < 100; ++i) co_await s.submit(nothing);
        worked_until = time.elapsed();
    };
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& service) {
        service.start([&]() -> bide::task<> {
            for (;;) {
                co_await bide::sleep_for(1s);
                ++tokens;
            }
        });
        auto second = s.submit(take, 2);
        auto first = s.submit(take, 1);
        auto other = s.submit(work);
        first.wait();
        second.wait();
        other.wait();
    });
    EXPECT_EQ(at, (std::vector<std::chrono::seconds>{1s, 2s}));
    EXPECT_EQ(worked_until, 0s);
}

TEST(strand, C3_11_in_virtual_time_coroutines_that_yield_in_a_strand_count_as_idle) {
    const bide::testing::virtual_time time;
    bide::idle_loop here;
    bide::strand outer(here.get());
    bide::strand s(static_cast<bide::executor&>(outer));
    int tokens = 0;
    std::vector<std::chrono::seconds> at;
    const auto take = [&](int wanted) -> bide::task<> {
        auto inside = co_await s.enter();
        while (tokens < wanted) co_await bide::yield_now();
        at.push_back(std::chrono::duration_cast<std::chrono::seconds>(time.elapsed()));
    };
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& service) {
        service.start([&]() -> bide::task<> {
            for (;;) {
                co_await bide::sleep_for(1s);
                ++tokens;
            }
        });
        auto posted = s.submit([&]() -> bide::task<> {
            while (tokens < 3) co_await bide::yield_now();
            at.push_back(std::chrono::duration_cast<std::chrono::seconds>(time.elapsed()));
        });
        bide::with_scope([&](bide::scope& batch) {
            batch.start(take, 2);
            batch.start(take, 1);
        });
        posted.wait();
    });
    EXPECT_EQ(at, (std::vector<std::chrono::seconds>{1s, 2s, 3s}));
}

// A turn in which nothing ran, before a sleep, does not count as a turn in which every task only yields.
TEST(strand, C3_11_time_does_not_jump_before_everybody_in_the_strand_had_a_turn) {
    const bide::testing::virtual_time time;
    bide::idle_loop here;
    bide::strand s(here.get());
    bool there = false;
    std::chrono::nanoseconds seen{};
    const auto looks = [&]() -> bide::task<> {
        co_await bide::sleep_for(1s);
        while (!there) co_await bide::yield_now();
        seen = time.elapsed();
    };
    const auto comes = [&]() -> bide::task<> {
        co_await bide::sleep_for(1s);
        there = true;
    };
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& service) {
        service.start([]() -> bide::task<> { co_await bide::sleep_for(100s); });
        auto first = s.submit(looks);
        auto second = s.submit(comes);
        first.wait();
        second.wait();
    });
    EXPECT_EQ(seen, 1s);
}

}  // namespace
