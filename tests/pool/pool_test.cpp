// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>
#include <bide/pool.hpp>

#include "support/threads.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct wrong : std::runtime_error {
    using std::runtime_error::runtime_error;
};
bide::task<int> twice(int n) { co_return 2 * n; }
bide::task<int> fails() {
    throw wrong("as it is");
    co_return 0;
}
bide::task<std::thread::id> where() { co_return std::this_thread::get_id(); }

// ---- work goes in, results come out ---------------------------------------------------------------------------------

TEST(pool, C10_1_submit_gives_a_future) {
    bide::pool p(2);
    EXPECT_EQ(p.submit(twice, 21).wait(), 42);
    EXPECT_EQ(p.submit(twice(4)).wait(), 8);
    EXPECT_THROW(p.submit(fails).wait(), wrong);
    EXPECT_NE(p.submit(where).wait(), std::this_thread::get_id());
}

TEST(pool, C10_1_run_is_cold_and_takes_either_kind) {
    bide::pool p(2);
    std::atomic<int> calls{0};
    {
        auto never = p.run([&] { ++calls; });
        (void)never;
    }
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(p.run(twice, 4).wait(), 8);
    EXPECT_EQ(p.run([](int n) { return n + 1; }, 4).wait(), 5);
    EXPECT_THROW(p.run(fails).wait(), wrong);
    EXPECT_THROW(p.run([]() -> int { throw wrong("plain"); }).wait(), wrong);
}

bide::task<bool> comes_back(bide::pool& p) {
    const std::thread::id here = std::this_thread::get_id();
    const std::thread::id there = co_await p.run(where);
    co_return there != here&& std::this_thread::get_id() == here;
}

TEST(pool, C1_11_who_awaits_run_goes_on_where_it_was) {
    bide::pool p(2);
    EXPECT_TRUE(comes_back(p).wait());
}

bide::task<> waits_for_ever(bide::latch& stand, std::atomic<int>& unwound) {
    struct counts {
        std::atomic<int>& n;
        ~counts() { ++n; }
    } const here{unwound};
    stand.count_down();
    bide::event never;
    co_await never;
}

TEST(pool, C10_1_a_stop_reaches_what_was_submitted) {
    bide::pool p(2);
    std::atomic<int> unwound{0};
    bide::latch stand(1);
    bide::future<void> f = p.submit(waits_for_ever, std::ref(stand), std::ref(unwound));
    stand.wait();
    f.stop();
    EXPECT_THROW(f.wait(), bide::cancelled);
    EXPECT_EQ(unwound, 1);
}

TEST(pool, C10_1_C6_5_stop_asks_with_its_reason_from_a_task_of_its_own_too) {
    for (const bide::stop_reason why : {bide::stop_reason::shutdown, bide::stop_reason::deadline}) {
        bide::pool p(2);
        std::atomic<int> unwound{0};
        bide::latch stand(1);
        bide::future<void> f = p.submit(waits_for_ever, std::ref(stand), std::ref(unwound));
        stand.wait();
        p.run([&] { why == bide::stop_reason::shutdown ? p.stop() : p.stop(why); }).wait();
        EXPECT_THROW(static_cast<void>(p.submit([]() -> bide::task<> { co_return; })), bide::not_running);
        try {
            f.wait();
            ADD_FAILURE();
        } catch (const bide::cancelled& c) {
            EXPECT_EQ(c.reason(), why);
        }
        EXPECT_EQ(unwound, 1);
        p.shutdown();
    }
}

bide::task<> asks_to_stop(bide::latch& stand, bide::stop_source ask) {
    co_await stand;
    ask.request_stop();
}

TEST(pool, C10_1_a_stop_of_who_awaits_run_reaches_what_runs_there_and_joins_it) {
    bide::pool p(2);
    std::atomic<int> unwound{0};
    bide::latch stand(1);
    bide::stop_source ask;
    auto asking = p.submit(asks_to_stop, std::ref(stand), ask);
    EXPECT_THROW(bide::with_stop(ask.token(), p.run(waits_for_ever, std::ref(stand), std::ref(unwound))).wait(),
                 bide::cancelled);
    EXPECT_EQ(unwound, 1);
    asking.wait();
}

bide::task<int> migrates(bide::pool& p, bide::executor& home, int rounds) {
    const std::thread::id at_home = std::this_thread::get_id();
    int right = 0;
    for (int i = 0; i < rounds; ++i) {
        co_await bide::resume_on(p);
        right += std::this_thread::get_id() != at_home ? 1 : 0;
        co_await bide::resume_on(home);
        right += std::this_thread::get_id() == at_home ? 1 : 0;
    }
    co_return right;
}

TEST(pool, C10_1_resume_on_goes_there_and_back) {
    bide::pool p(2);
    bide::loop_thread home;
    home.start();
    EXPECT_EQ(home.submit(migrates, std::ref(p), std::ref(home.get_executor()), 500).wait(), 1000);
    home.shutdown();
}

TEST(pool, C10_1_a_scope_starts_its_tasks_there) {
    bide::pool p(3);
    std::atomic<int> sum{0};
    bide::scope_options options;
    options.on = &p;
    bide::with_scope(options, [&](bide::scope& s) {
        for (int i = 1; i <= 1000; ++i)
            s.start(
                [&](int n) -> bide::task<> {
                    co_await bide::yield_now();
                    sum += n;
                },
                i);
    });
    EXPECT_EQ(sum, 500'500);
}

TEST(pool, C3_5_the_first_failure_cancels_the_rest_of_the_scope_on_every_worker) {
    bide::pool p(2);
    std::atomic<int> unwound{0};
    bide::scope_options options;
    options.on = &p;
    const auto body = [&](bide::scope& s) {
        for (int i = 0; i < 20; ++i)
            s.start([&]() -> bide::task<> {
                struct counts {
                    std::atomic<int>& n;
                    ~counts() { ++n; }
                } const here{unwound};
                bide::event never;
                co_await never;
            });
        s.start(fails);
    };
    EXPECT_THROW(bide::with_scope(options, body), wrong);
    EXPECT_LE(unwound, 20);
}

TEST(pool, C6_4_timers_of_its_tasks_are_carried) {
    bide::pool p(1);
    auto sleeper = [](std::chrono::milliseconds d) -> bide::task<int> {
        co_await bide::sleep_for(d);
        co_return 1;
    };
    EXPECT_EQ(p.submit(sleeper, 1ms).wait(), 1);
    EXPECT_THROW(bide::with_timeout(1ms, p.run(sleeper, 1h)).wait(), bide::timed_out);
}

// ---- between workers ------------------------------------------------------------------------------------------------

TEST(pool, C6_1_a_mutex_holds_between_its_workers) {
    bide::pool p(3);
    bide::mutex m;
    long counter = 0;
    std::vector<bide::future<void>> all;
    for (int i = 0; i < 30; ++i)
        all.push_back(p.submit([&]() -> bide::task<> {
            for (int k = 0; k < 100; ++k) {
                const auto held = co_await m.lock();
                const long before = counter;
                if (k % 10 == 0) co_await bide::yield_now();
                counter = before + 1;
            }
        }));
    bide::when_all(all).wait();
    EXPECT_EQ(counter, 3000);
}

TEST(pool, C6_2_a_channel_carries_between_its_workers) {
    bide::pool p(3);
    bide::channel<int> c(8);
    std::atomic<long> sum{0};
    std::vector<bide::future<void>> senders;
    std::vector<bide::future<void>> receivers;
    for (int s = 0; s < 3; ++s)
        senders.push_back(p.submit([&]() -> bide::task<> {
            for (int i = 1; i <= 500; ++i) co_await c.send(i);
        }));
    for (int r = 0; r < 3; ++r)
        receivers.push_back(p.submit([&]() -> bide::task<> {
            while (auto got = co_await c.receive()) sum += *got;
        }));
    bide::when_all(senders).wait();
    c.close();
    bide::when_all(receivers).wait();
    EXPECT_EQ(sum, 3 * 125'250);
}

bide::task<long> deep(long n) {
    if (n == 0) {
        co_await bide::yield_now();
        co_return 0;
    }
    co_return 1 + co_await deep(n - 1);
}

TEST(pool, C10_1_C19_1_chains_may_be_a_million_deep) {
    bide::pool p(2);
    EXPECT_EQ(p.run(deep, 1'000'000L).wait(), 1'000'000);
}

TEST(pool, C1_12_who_only_yields_does_not_starve_the_others) {
    bide::pool p(1);
    std::atomic<bool> over{false};
    auto yields = p.submit([&]() -> bide::task<> {
        while (!over) co_await bide::yield_now();
    });
    p.submit([&]() -> bide::task<> {
         over = true;
         co_return;
     }).wait();
    yields.wait();
}

TEST(pool, C10_1_posts_from_outside_reach_workers_that_yield) {
    bide::pool p(2);
    std::atomic<bool> over{false};
    const auto yields = [&]() -> bide::task<> {
        while (!over) co_await bide::yield_now();
    };
    auto a = p.submit(yields);
    auto b = p.submit(yields);
    EXPECT_EQ(p.submit(twice, 1).wait(), 2);
    over = true;
    bide::when_all(a, b).wait();
}

// ---- blocking -------------------------------------------------------------------------------------------------------

TEST(pool, C10_3_a_worker_that_waits_is_compensated) {
    bide::pool p(1);
    bide::event e;
    auto waits = p.submit([&]() -> bide::task<int> {
        e.wait();
        co_return 1;
    });
    auto sets = p.submit([&]() -> bide::task<int> {
        e.set();
        co_return 2;
    });
    EXPECT_EQ(waits.wait() + sets.wait(), 3);
}

bide::task<int> nest(bide::pool& p, int depth) {
    if (depth == 0) co_return 1;
    bide::future<int> below = p.submit(nest, std::ref(p), depth - 1);
    const int n = below.wait();  // in plain code, on a worker
    co_return n + 1;
}

TEST(pool, C10_3_work_that_waits_for_more_work_on_its_own_pool_ends) {
    bide::pool p(2);
    EXPECT_EQ(nest(p, 30).wait(), 31);
    EXPECT_EQ(p.submit(nest, std::ref(p), 30).wait(), 31);
    EXPECT_TRUE(support::comes_true([&] { return p.counts().blocked == 0; }));
}

TEST(pool, C10_3_all_workers_compute_while_others_wait) {
    bide::pool p(2);
    bide::event e;
    std::vector<bide::future<void>> waiting;
    for (int i = 0; i < 6; ++i)
        waiting.push_back(p.submit([&]() -> bide::task<> {
            e.wait();
            co_return;
        }));
    ASSERT_TRUE(support::comes_true([&] { return p.counts().blocked == 6; }));
    support::arrivals there;
    const auto meets = [&]() -> bide::task<> {
        there.arrive();
        there.await(2);
        co_return;
    };
    bide::when_all(p.submit(meets), p.submit(meets)).wait();
    e.set();
    bide::when_all(waiting).wait();
}

TEST(pool, C10_3_so_is_one_that_stands_at_the_end_of_a_scope) {
    bide::pool p(1);
    bide::event e;
    auto stands = p.submit([&]() -> bide::task<> {
        bide::with_scope([&](bide::scope& s) { s.start([&]() -> bide::task<> { co_await e; }); });
        co_return;
    });
    auto sets = p.submit([&]() -> bide::task<> {
        e.set();
        co_return;
    });
    bide::when_all(stands, sets).wait();
    EXPECT_TRUE(support::comes_true([&] { return p.counts().blocked == 0; }));
}

// ---- idle -----------------------------------------------------------------------------------------------------------

TEST(pool, C4_4_an_idle_pool_uses_no_processor_time) {
    const support::thread_ids before = support::threads_now();
    bide::pool p(3);
    p.submit(twice, 1).wait();
    ASSERT_TRUE(support::comes_true([&] { return p.counts().idle == 3; }));
    const support::thread_ids workers = support::threads_since(before);
    EXPECT_GE(workers.size(), 3U);
    const support::thread_activity until_rest = support::activity_until_rest(workers, 300ms);
    EXPECT_TRUE(until_rest.all_sleep);
    EXPECT_LT(until_rest.used, 20ms);  // not zero: each worker may have been on its way to sleep
}

// ---- workers come and go --------------------------------------------------------------------------------------------

TEST(pool, C10_1_resize_is_live) {
    bide::pool p(1);
    std::atomic<bool> over{false};
    std::atomic<long> turns{0};
    std::vector<bide::future<void>> busy;
    for (int i = 0; i < 8; ++i)
        busy.push_back(p.submit([&]() -> bide::task<> {
            while (!over) {
                ++turns;
                co_await bide::yield_now();
            }
        }));
    for (const int n : {4, 1, 3, 8, 2}) {
        p.resize(n);
        const long at = turns;
        EXPECT_EQ(p.counts().workers, n);
        EXPECT_TRUE(support::comes_true([&] { return turns > at + 100; }));
    }
    over = true;
    bide::when_all(busy).wait();
    EXPECT_TRUE(support::comes_true([&] { return p.counts().threads == 2; }));
    p.resize(4);
    support::arrivals there;
    std::vector<bide::future<void>> together;
    for (int i = 0; i < 4; ++i)
        together.push_back(p.submit([&]() -> bide::task<> {
            there.arrive();
            there.await(4);
            co_return;
        }));
    bide::when_all(together).wait();
    EXPECT_EQ(there.count(), 4);
}

TEST(pool, C10_1_numbers_of_workers_that_make_no_sense_are_refused) {
    EXPECT_THROW(bide::pool(0), std::invalid_argument);
    EXPECT_THROW(bide::pool(-3), std::invalid_argument);
    bide::pool p(1);
    EXPECT_THROW(p.resize(0), std::invalid_argument);
    EXPECT_THROW(p.resize(bide::pool::max_workers + 1), std::invalid_argument);
    EXPECT_EQ(p.counts().workers, 1);
}

TEST(pool, C10_1_pinned_workers_work) {
    bide::pool_options o;
    o.workers = 2;
    o.pin = true;
    bide::pool p(o);
    const auto processors_here = []() -> bide::task<int> {
        cpu_set_t mine;
        sched_getaffinity(0, sizeof mine, &mine);
        co_return CPU_COUNT(&mine);
    };
    EXPECT_EQ(p.submit(processors_here).wait(), 1);
}

// ---- the end --------------------------------------------------------------------------------------------------------

TEST(pool, C10_1_shutdown_stops_and_joins_what_was_submitted) {
    bide::pool p(2);
    std::atomic<int> cleaned{0};
    std::vector<bide::future<void>> all;
    bide::latch stand(5);
    for (int i = 0; i < 5; ++i)
        all.push_back(p.submit([&]() -> bide::task<> {
            struct counts {
                std::atomic<int>& n;
                ~counts() { ++n; }
            } const here{cleaned};
            stand.count_down();
            bide::event never;
            co_await never;
        }));
    stand.wait();
    p.shutdown();
    EXPECT_EQ(cleaned, 5);
    for (auto& f : all) EXPECT_EQ(f.status(), bide::future_status::cancelled);
    EXPECT_THROW(p.submit(twice, 1), bide::not_running);
    p.shutdown();  // once more is harmless
    EXPECT_EQ(p.counts().threads, 0);
}

TEST(pool, C10_1_shutdown_on_a_thread_of_its_own_is_refused) {
    bide::pool p(1);
    EXPECT_THROW(p.run([&] { p.shutdown(); }).wait(), bide::would_deadlock);
    const auto in_a_job = [&p]() -> bide::task<> { co_await bide::run([&p] { p.shutdown(); }); };
    EXPECT_THROW(p.submit(in_a_job).wait(), bide::would_deadlock);
    EXPECT_EQ(p.submit([]() -> bide::task<int> { co_return 1; }).wait(), 1);  // it has asked nothing
}

TEST(pool, C10_1_pools_come_and_go_with_work_at_hand) {
    for (int i = 0; i < 200; ++i) {
        bide::pool p(1 + i % 3);
        bide::future<int> f = p.submit(twice, i);
        if (i % 2 == 0) {
            EXPECT_EQ(f.wait(), 2 * i);
        }
    }
}

TEST(pool, C7_9_the_child_of_a_fork_is_told) {
    bide::pool p(1);
    p.submit(twice, 1).wait();
    const pid_t child = ::fork();
    if (child == 0) {
        int rc = 1;
        try {
            p.submit(twice, 1);
        } catch (const bide::usage_error&) {
            rc = 0;
        }
        ::_exit(rc);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

}  // namespace
