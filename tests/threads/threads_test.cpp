// SPDX-License-Identifier: BSL-1.0
#include <bide/threads.hpp>

#include "base/os_thread.hpp"
#include "support/lives.hpp"
#include "support/threads.hpp"
#include "support/unhandled.hpp"
#include "support/watchdog.hpp"

#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/stop.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/task_local.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <latch>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::arrivals;
using support::gate;
using support::opens;

namespace {

int square(int x) { return x * x; }
bide::task<int> square_later(int x) {
    co_await bide::yield_now();
    co_return x* x;
}

bide::threads_options at_most(int max, int cap = 4096) {
    bide::threads_options o;
    o.max = max;
    o.cap = cap;
    return o;
}

// ---- 4.1: to_thread, make_async -------------------------------------------------------------------------------------

TEST(to_thread, C4_1_gives_a_future_at_once_and_runs_on_another_thread) {
    const support::watchdog guard;
    gate g;
    bide::future<std::thread::id> f;
    {
        const opens at_the_end(g);
        f = bide::to_thread([&] {
            g.pass();
            return std::this_thread::get_id();
        });
        EXPECT_EQ(f.status(), bide::future_status::pending);
    }
    EXPECT_NE(f.wait(), std::this_thread::get_id());
    EXPECT_EQ(f.status(), bide::future_status::succeeded);
}

TEST(to_thread, C4_1_an_awaiting_task_resumes_on_its_executor_which_kept_serving) {
    const support::watchdog guard;
    gate g;
    const auto here = std::this_thread::get_id();
    std::vector<std::string> order;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            const auto f = bide::to_thread([&] {
                g.pass();  // the other task opens the gate: the loop is not blocked
                return std::this_thread::get_id();
            });
            const auto there = co_await f;
            EXPECT_NE(there, here);
            EXPECT_EQ(std::this_thread::get_id(), here);
            order.emplace_back("resumed");
        });
        s.start([&]() -> bide::task<> {
            order.emplace_back("served");
            g.open();
            co_return;
        });
    });
    EXPECT_EQ(order, (std::vector<std::string>{"served", "resumed"}));
}

TEST(to_thread, C4_1_C18_1_arguments_are_copied_or_moved_in) {
    const support::watchdog guard;
    auto owned = std::make_unique<int>(3);
    std::string text = "abc";
    auto f = bide::to_thread([](std::unique_ptr<int> p, std::string s) { return *p + static_cast<int>(s.size()); },
                             std::move(owned), text);
    text = "changed";
    EXPECT_EQ(f.wait(), 6);

    int target = 0;
    bide::to_thread([](int& t) { t = 5; }, std::ref(target)).wait();
    EXPECT_EQ(target, 5);
}

TEST(to_thread, C4_1_results_of_every_kind) {
    const support::watchdog guard;
    static int referred = 1;
    const bide::future<int&> r = bide::to_thread([]() -> int& { return referred; });
    EXPECT_EQ(&r.wait(), &referred);
    bide::future<> nothing = bide::to_thread([] {});
    nothing.wait();
    bide::future<std::unique_ptr<int>> moved = bide::to_thread([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*std::move(moved).wait(), 7);
    struct no_default {
        int n;
        explicit no_default(int i) : n(i) {}
    };
    EXPECT_EQ(bide::to_thread([] { return no_default(8); }).wait().n, 8);
}

TEST(to_thread, C4_1_an_async_callable_is_driven_there) {
    const support::watchdog guard;
    const auto here = std::this_thread::get_id();
    EXPECT_EQ(bide::to_thread(square_later, 6).wait(), 36);
    EXPECT_EQ(bide::to_thread(square_later(7)).wait(), 49);
    const auto there = bide::to_thread([]() -> bide::task<std::thread::id> {
                           co_await bide::yield_now();
                           co_return std::this_thread::get_id();
                       }).wait();
    EXPECT_NE(there, here);
}

TEST(to_thread, C4_1_what_the_callable_throws_arrives_with_its_own_type) {
    const support::watchdog guard;
    struct mine {
        int n;
    };
    const bide::future<int> f = bide::to_thread([]() -> int { throw mine{4}; });
    for (int i = 0; i < 2; ++i) {
        try {
            f.wait();
            ADD_FAILURE();
        } catch (const mine& e) {
            EXPECT_EQ(e.n, 4);
        }
    }
}

TEST(to_thread, C4_1_a_null_callable_is_refused) {
    int (*nothing)(int) = nullptr;
    EXPECT_THROW(bide::to_thread(nothing, 1), std::invalid_argument);
    EXPECT_THROW(bide::to_thread(std::function<void()>()), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::make_async(std::function<void()>())), std::invalid_argument);
}

TEST(to_thread, C4_1_C16_2_the_virtual_time_of_a_test_waits_for_jobs) {
    const support::watchdog guard;
    const bide::testing::virtual_time time;
    gate g;
    arrivals begun;
    std::thread opener([&] {
        begun.await(1);
        g.open();
    });
    const int n = bide::with_timeout(1h, bide::to_thread([&] {
                                         begun.arrive();
                                         g.pass();
                                         return 3;
                                     }))
                      .wait();
    EXPECT_EQ(n, 3);
    EXPECT_EQ(time.elapsed(), 0s);
    opener.join();
}

TEST(to_thread, C4_1_C16_2_a_job_that_waits_for_a_task_does_not_hold_up_the_time_of_the_test) {
    const support::watchdog guard;
    const bide::testing::virtual_time time;
    bide::promise<int> p;
    const bide::future<int> later = p.get_future();
    auto tell = [&]() -> bide::task<> {
        co_await bide::sleep_for(1h);
        p.set_value(5);
    };
    bide::with_scope([&](bide::scope& s) {
        const auto job = bide::to_thread([later] { return later.wait() + 1; });
        s.start(tell);
        EXPECT_EQ(job.wait(), 6);
    });
    EXPECT_EQ(time.elapsed(), 1h);
}

TEST(make_async, C4_1_gives_a_callable_that_gives_futures) {
    const support::watchdog guard;
    auto f = bide::make_async(square);
    bide::future<int> a = f(3);
    bide::future<int> b = f(4);
    EXPECT_EQ(a.wait() + b.wait(), 25);
    auto later = bide::make_async(square_later);
    bide::future<int> c = later(5);
    EXPECT_EQ(c.wait(), 25);
    const auto counted = bide::make_async([n = 10](int by) mutable { return n += by; });  // each call: a copy of f
    EXPECT_EQ(counted(1).wait(), 11);
    EXPECT_EQ(counted(1).wait(), 11);
}

// ---- 4.2: admission -------------------------------------------------------------------------------------------------

TEST(threads, C4_2_no_queued_job_begins_while_the_maximum_runs) {
    const support::watchdog guard;
    bide::threads t(at_most(3));
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    std::vector<bide::future<>> all;
    for (int i = 0; i < 300; ++i)
        all.push_back(t.submit([&] {
            const int now = ++running;
            int seen = most.load();
            while (seen < now && !most.compare_exchange_weak(seen, now)) {}
            std::this_thread::yield();
            --running;
        }));
    for (auto& f : all) f.wait();
    EXPECT_LE(most.load(), 3);
    EXPECT_GE(most.load(), 1);
}

TEST(threads, C4_2_first_in_first_out) {
    const support::watchdog guard;
    bide::threads t(at_most(1));
    std::vector<int> order;  // written by one job at a time
    std::vector<bide::future<>> all;
    for (int i = 0; i < 200; ++i) all.push_back(t.submit([&order, i] { order.push_back(i); }));
    for (auto& f : all) f.wait();
    std::vector<int> expected(200);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
}

TEST(threads, C4_2_raising_begins_queued_work_and_lowering_interrupts_none) {
    const support::watchdog guard;
    bide::threads t(at_most(1));
    gate g;
    arrivals begun;
    std::vector<bide::future<>> all;
    {
        const opens at_the_end(g);
        for (int i = 0; i < 6; ++i)
            all.push_back(t.submit([&] {
                begun.arrive();
                g.pass();
            }));
        begun.await(1);
        EXPECT_EQ(t.counts().running, 1);
        EXPECT_EQ(t.counts().queued, 5);
        t.set_max(4);
        begun.await(4);
        EXPECT_EQ(t.counts().running, 4);
        EXPECT_EQ(begun.count(), 4);
        t.set_max(1);
        EXPECT_EQ(t.max(), 1);
        EXPECT_EQ(t.counts().running, 4);
        EXPECT_EQ(t.counts().queued, 2);
    }
    for (auto& f : all) f.wait();
    EXPECT_EQ(begun.count(), 6);
}

TEST(threads, C4_2_after_lowering_none_begins_until_fewer_run) {
    const support::watchdog guard;
    bide::threads t(at_most(2));
    gate first;
    gate second;
    arrivals begun;
    const auto a = t.submit([&] {
        begun.arrive();
        first.pass();
    });
    const auto b = t.submit([&] {
        begun.arrive();
        second.pass();
    });
    begun.await(2);
    t.set_max(1);
    const auto c = t.submit([&] { begun.arrive(); });
    first.open();
    a.wait();
    EXPECT_TRUE(support::comes_true([&] { return t.counts().running == 1; }));
    EXPECT_EQ(begun.count(), 2);
    EXPECT_EQ(t.counts().queued, 1);
    second.open();
    b.wait();
    c.wait();
}

TEST(threads, C4_2_less_than_one_is_refused) {
    EXPECT_THROW(bide::set_max_threads(0), std::invalid_argument);
    EXPECT_THROW(bide::set_max_threads(-3), std::invalid_argument);
    EXPECT_EQ(bide::max_threads(), 64);
    bide::threads t;
    EXPECT_EQ(t.max(), 64);
    EXPECT_THROW(t.set_max(0), std::invalid_argument);
    EXPECT_EQ(t.max(), 64);
    EXPECT_THROW(bide::threads(at_most(0)), std::invalid_argument);
    EXPECT_THROW(bide::threads(at_most(1, 0)), std::invalid_argument);
    bide::set_max_threads(5);
    EXPECT_EQ(bide::max_threads(), 5);
    bide::set_max_threads(64);
}

// ---- 4.3: growth ----------------------------------------------------------------------------------------------------

TEST(threads, C4_3_blocked_work_does_not_wait) {
    const support::watchdog guard;
    bide::threads t(at_most(40));
    std::barrier<> all_there(40);  // blocks outside bide: the watch has to find the blocked threads
    std::vector<bide::future<>> all;
    for (int i = 0; i < 40; ++i) all.push_back(t.submit([&] { all_there.arrive_and_wait(); }));
    for (auto& f : all) f.wait();
    EXPECT_EQ(t.counts().threads, 40);
}

TEST(threads, C4_3_a_job_that_has_queued_for_long_gets_a_thread) {
    const support::watchdog guard;
    bide::threads t;
    std::atomic<bool> over{false};
    std::vector<bide::future<>> busy;
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
        busy.push_back(t.submit([&] {
            while (!over.load()) {}
        }));
    t.submit([] {}).wait();  // has to run although all processors compute until it has run
    over = true;
    for (auto& f : busy) f.wait();
}

TEST(threads, C4_3_threads_are_reused_and_leave_after_idling) {
    const support::watchdog guard;
    bide::threads_options o;
    o.idle = 20ms;
    bide::threads t(o);
    for (int i = 0; i < 50; ++i) t.submit([] {}).wait();
    EXPECT_LE(t.counts().threads, 3);
    EXPECT_TRUE(support::comes_true([&] { return t.counts().threads == 0; }));
    EXPECT_EQ(t.submit(square, 3).wait(), 9);
}

TEST(threads, C4_3_fifty_thousand_trivial_jobs) {
    const support::watchdog guard(120s);
    constexpr int n = 50'000;
    bide::threads t;
    std::atomic<long> sum{0};
    arrivals answered;
    std::vector<bide::future<int>> all;
    all.reserve(n);
    for (int i = 0; i < n; ++i)
        all.push_back(t.submit([&sum, i] {
            sum += i;
            return i;
        }));
    long results = 0;
    for (auto& f : all) results += f.wait();
    EXPECT_EQ(sum.load(), static_cast<long>(n) * (n - 1) / 2);
    EXPECT_EQ(results, sum.load());
    t.shutdown();
    EXPECT_EQ(t.counts().threads, 0);
    EXPECT_EQ(t.counts().running, 0);
}

// Expects that as many jobs as may run do run at the same time.
void expect_all_slots(bide::threads& t) {
    const int n = t.max();
    std::barrier<> all_there(n);
    std::vector<bide::future<>> all;
    for (int i = 0; i < n; ++i) all.push_back(t.submit([&] { all_there.arrive_and_wait(); }));
    for (auto& f : all) f.wait();
}

TEST(threads, C4_3_C9_3_throwing_jobs_lose_no_slot) {
    const support::watchdog guard;
    bide::threads t(at_most(4));
    std::vector<bide::future<>> all;
    for (int i = 0; i < 2000; ++i) all.push_back(t.submit([] { throw std::runtime_error("job"); }));
    int failed = 0;
    for (auto& f : all) {
        try {
            f.wait();
        } catch (const std::runtime_error&) {
            ++failed;
        }
    }
    EXPECT_EQ(failed, 2000);
    expect_all_slots(t);
}

TEST(threads, C4_3_C9_3_throwing_callbacks_lose_no_slot_and_no_result) {
    const support::watchdog guard;
    const support::unhandled hook;
    bide::threads t(at_most(4));
    arrivals called;
    gate g;
    std::vector<bide::future<int>> all;
    {
        const opens at_the_end(g);
        for (int i = 0; i < 400; ++i) {
            all.push_back(t.submit([&g, i] {
                g.pass();
                return i;
            }));
            all.back().subscribe(
                [&](int) {
                    called.arrive();
                    throw std::runtime_error("callback");
                },
                [](const std::exception_ptr&) {});
        }
    }
    for (int i = 0; i < 400; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].wait(), i);
    called.await(400);
    expect_all_slots(t);
    t.shutdown();
    EXPECT_EQ(hook.errors().size(), 400U);
}

TEST(threads, C4_3_C9_3_a_copy_that_throws_leaves_nothing_behind) {
    const support::watchdog guard;
    struct no_copy {
        no_copy() = default;
        no_copy(const no_copy&) { throw std::runtime_error("copy"); }
    };
    bide::threads t(at_most(2));
    const no_copy argument;
    for (int i = 0; i < 100; ++i) EXPECT_THROW(t.submit([](const no_copy&) {}, argument), std::runtime_error);
    struct result {
        result() = default;
        result(result&&) { throw std::runtime_error("result"); }
    };
    for (int i = 0; i < 100; ++i) {
        auto f = t.submit([made = std::make_shared<int>(1)] {
            result r;
            return result(std::move(r));
        });
        EXPECT_THROW(bide::future<result>(f).wait(), std::runtime_error);
    }
    EXPECT_EQ(t.counts().queued, 0);
    expect_all_slots(t);
}

TEST(threads, C4_3_a_failure_that_nobody_sees_goes_to_the_hook) {
    const support::watchdog guard;
    const support::unhandled hook;
    bide::threads t;
    static_cast<void>(t.submit([] { throw std::runtime_error("unseen"); }));
    t.shutdown();
    EXPECT_EQ(hook.errors(), std::vector<std::string>{"unseen"});
}

TEST(threads, C4_3_without_a_first_thread_submit_throws_and_nothing_has_happened) {
    bide::threads t;
    bool ran = false;
    const auto kept = std::make_shared<int>(1);
    const auto before = bide::detail::refuse_threads([] { return EAGAIN; });
    try {
        t.submit([&ran, kept] { ran = true; });
        ADD_FAILURE();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
    }
    bide::detail::refuse_threads(before);
    EXPECT_FALSE(ran);
    EXPECT_EQ(kept.use_count(), 1);
    EXPECT_EQ(t.counts().threads, 0);
    EXPECT_EQ(t.counts().queued, 0);
    EXPECT_EQ(t.submit(square, 2).wait(), 4);
}

TEST(threads, C4_3_one_thread_serves_the_queue_when_the_system_refuses_more) {
    const support::watchdog guard;
    bide::threads t;
    t.submit([] {}).wait();
    const auto before = bide::detail::refuse_threads([] { return EAGAIN; });
    std::vector<bide::future<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(t.submit(square, i));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].wait(), i * i);
    EXPECT_EQ(t.counts().threads, 1);
    bide::detail::refuse_threads(before);
}

// ---- 4.4: no busy waiting -------------------------------------------------------------------------------------------

TEST(threads, C4_4_C9_1_a_waiter_and_an_idle_set_use_no_processor_time) {
    const support::watchdog guard;
    const support::thread_ids before = support::threads_now();
    bide::threads t(at_most(4));
    expect_all_slots(t);  // four threads, idle now
    arrivals waiting;
    bide::promise<> p;
    const bide::future<> never = p.get_future();
    const auto waiter = t.submit([&] {
        waiting.arrive();
        never.wait();
    });
    waiting.await(1);
    EXPECT_TRUE(support::comes_true([&] { return t.counts().waiting == 1; }));
    const support::thread_ids threads = support::threads_since(before);
    EXPECT_GE(threads.size(), 4U);
    const support::thread_activity until_rest = support::activity_until_rest(threads, 1s);
    EXPECT_TRUE(until_rest.all_sleep);
    EXPECT_LT(until_rest.used, 20ms);  // not zero: each thread may have been on its way to sleep
    p.set_value();
    waiter.wait();
}

// ---- 4.5: work that waits for more work -----------------------------------------------------------------------------

int tree(bide::threads& t, int levels) {
    if (levels == 0) return 1;
    const auto a = t.submit([&t, levels] { return tree(t, levels - 1); });
    const auto b = t.submit([&t, levels] { return tree(t, levels - 1); });
    return a.wait() + b.wait() + 1;
}

bide::task<int> sum_of(bide::future<int> a, bide::future<int> b) {
    const int left = co_await a;
    const int right = co_await b;
    co_return left + right;
}

int tree_of_tasks(bide::threads& t, int levels) {
    if (levels == 0) return 1;
    const auto a = t.submit([&t, levels] { return tree_of_tasks(t, levels - 1); });
    const auto b = t.submit([&t, levels] { return tree_of_tasks(t, levels - 1); });
    return sum_of(a, b).wait() + 1;
}

TEST(threads, C4_5_jobs_that_wait_for_jobs_never_deadlock) {
    const support::watchdog guard(100s);
    bide::threads t(at_most(4));
    std::vector<bide::future<int>> all;
    for (int i = 0; i < 64; ++i) all.push_back(t.submit([&t] { return tree(t, 3); }));
    for (auto& f : all) EXPECT_EQ(f.wait(), 15);
}

TEST(threads, C4_5_also_when_nobody_can_help) {
    const support::watchdog guard(100s);
    bide::threads t(at_most(4));
    std::vector<bide::future<int>> all;
    for (int i = 0; i < 64; ++i) all.push_back(t.submit([&t] { return tree_of_tasks(t, 3); }));
    for (auto& f : all) EXPECT_EQ(f.wait(), 15);
}

TEST(threads, C4_5_a_job_that_waits_for_one_not_yet_begun_runs_it_itself) {
    const support::watchdog guard;
    bide::threads t(at_most(1, 1));
    const auto same = t.submit([&t] {
        const auto me = std::this_thread::get_id();
        const auto inner = t.submit([] { return std::this_thread::get_id(); });
        return inner.wait() == me;
    });
    EXPECT_TRUE(same.wait());
    EXPECT_EQ(t.counts().threads, 1);
    EXPECT_EQ(t.submit([&t] { return tree(t, 6); }).wait(), 127);
}

TEST(threads, C4_5_a_waiting_job_does_not_count_and_goes_on_at_once) {
    const support::watchdog guard;
    bide::threads t(at_most(1));
    bide::promise<int> p;
    const auto answer = p.get_future();
    const auto waiting = t.submit([answer] { return answer.wait(); });
    gate g;
    arrivals begun;
    const auto busy = t.submit([&] {  // begins although the maximum is one, because the other job waits inside bide
        begun.arrive();
        g.pass();
    });
    begun.await(1);
    EXPECT_EQ(t.counts().waiting, 1);
    p.set_value(4);
    EXPECT_EQ(waiting.wait(), 4);  // goes on although the other job runs
    g.open();
    busy.wait();
}

TEST(threads, C4_5_the_total_of_threads_has_a_cap_with_an_error_that_says_what_to_do) {
    const support::watchdog guard;
    bide::threads_options o = at_most(1, 2);
    o.stuck = 30ms;
    const support::unhandled hook;  // gets the failures of the other half of the tree, for which no task waits any more
    bide::threads t(o);
    // Two threads wait, in tasks, for jobs that would need a third.
    const auto outer = t.submit([&t] { return tree_of_tasks(t, 3); });
    try {
        outer.wait();
        ADD_FAILURE() << "two threads cannot hold a chain of three waits";
    } catch (const bide::limit_reached& e) {
        EXPECT_NE(std::string(e.what()).find("cap"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("all 2 threads"), std::string::npos) << e.what();
    }
    EXPECT_TRUE(support::comes_true([&] { return t.counts().running + t.counts().waiting + t.counts().queued == 0; }));
    EXPECT_EQ(t.submit(square, 5).wait(), 25);
}

TEST(threads, C4_5_C1_6_a_job_that_waits_for_itself_is_told) {
    const support::watchdog guard;
    bide::threads t;
    bide::promise<bide::future<int>> p;
    auto handle = p.get_future();
    const bide::future<int> f = t.submit([handle]() -> int {
        const bide::future<int> me = handle.wait();
        return me.wait();
    });
    p.set_value(f);
    EXPECT_THROW(f.wait(), bide::would_deadlock);
}

TEST(threads, C4_5_C1_6_two_jobs_that_wait_for_each_other_are_told) {
    const support::watchdog guard;
    // With one thread the first job runs the second itself.
    for (const int max : {1, 4}) {
        bide::threads t(at_most(max));
        bide::promise<bide::future<int>> to_a;
        bide::promise<bide::future<int>> to_b;
        const auto a = t.submit([other = to_a.get_future()]() -> int { return other.wait().wait(); });
        const auto b = t.submit([other = to_b.get_future()]() -> int { return other.wait().wait(); });
        to_a.set_value(b);
        to_b.set_value(a);
        EXPECT_THROW(a.wait(), bide::would_deadlock);
        EXPECT_THROW(b.wait(), bide::would_deadlock);
    }
}

TEST(threads, C4_5_C1_6_a_job_that_is_run_by_its_waiter_and_wants_its_mutex_is_told) {
    const support::watchdog guard;
    bide::threads t(at_most(1, 1));
    bide::mutex m;
    const auto outer = t.submit([&] {
        const auto held = m.lock().wait();
        const auto inner = t.submit([&] { const auto wanted = m.lock().wait(); });
        inner.wait();
    });
    EXPECT_THROW(outer.wait(), bide::would_deadlock);
}

// ---- 4.6: cancelling, ending ----------------------------------------------------------------------------------------

struct told_when_destroyed {
    std::atomic<int>* count;
    std::thread::id* where;
    told_when_destroyed(std::atomic<int>& c, std::thread::id& w) : count(&c), where(&w) {}
    told_when_destroyed(told_when_destroyed&& other) noexcept
        : count(std::exchange(other.count, nullptr)), where(other.where) {}
    ~told_when_destroyed() {
        if (count == nullptr) return;
        *where = std::this_thread::get_id();
        ++*count;
    }
};

TEST(threads, C4_6_C2_3_cancelling_an_awaiter_ends_it_at_once_and_the_job_goes_on) {
    const support::watchdog guard;
    gate g;
    arrivals begun;
    std::atomic<int> destroyed{0};
    std::thread::id destroyed_on;
    std::thread::id ran_on;
    bide::future<int> job;
    {
        const opens at_the_end(g);
        job = bide::to_thread(
            [&](const told_when_destroyed& kept) {
                begun.arrive();
                g.pass();
                ran_on = std::this_thread::get_id();
                return kept.count != nullptr ? 1 : 0;
            },
            told_when_destroyed(destroyed, destroyed_on));
        begun.await(1);
        EXPECT_THROW(bide::with_timeout(1ms, job).wait(), bide::timed_out);
        EXPECT_EQ(job.status(), bide::future_status::pending);
        EXPECT_EQ(destroyed.load(), 0);
    }
    EXPECT_EQ(job.wait(), 1);
    EXPECT_EQ(destroyed.load(), 1);
    EXPECT_EQ(destroyed_on, ran_on);
}

TEST(threads, C4_6_a_job_inherits_the_stop_of_the_code_that_submits_it_and_may_outlive_it) {
    const support::watchdog guard;
    gate g;
    arrivals begun;
    bide::future<bool> job;
    auto submits = [&]() -> bide::task<> {
        job = bide::to_thread([&] {
            begun.arrive();
            g.pass();
            return bide::stop_requested();
        });
        begun.await(1);
        co_await job;
    };
    {
        const opens at_the_end(g);
        EXPECT_THROW(bide::with_timeout(1ms, submits()).wait(), bide::timed_out);
    }
    EXPECT_TRUE(job.wait());  // the task that submitted it is long gone
}

TEST(threads, C4_6_a_job_may_outlive_who_submitted_it_unstopped) {
    const support::watchdog guard;
    gate g;
    bide::future<bool> job;
    {
        const opens at_the_end(g);
        [&]() -> bide::task<> {
            job = bide::to_thread([&] {
                g.pass();
                return bide::stop_requested();
            });
            co_return;
        }()
                     .wait();
    }
    EXPECT_FALSE(job.wait());
}

TEST(threads, C4_6_stop_of_the_future_asks_a_running_job) {
    const support::watchdog guard;
    bide::threads t;
    arrivals begun;
    const auto f = t.submit([&] {
        gate told;
        const bide::stop_callback when([&] { told.open(); });
        begun.arrive();
        told.pass();
        return bide::stop_requested();
    });
    begun.await(1);
    f.stop();
    f.stop();
    EXPECT_TRUE(f.wait());  // the stopped job ended with a value: the value arrives
    const auto g = t.submit([]() -> int {
        bide::sleep_for(std::chrono::hours(1)).wait();
        return 1;
    });
    EXPECT_TRUE(support::comes_true([&] { return t.counts().waiting == 1; }));
    g.stop();
    EXPECT_THROW(g.wait(), bide::cancelled);
    EXPECT_EQ(g.status(), bide::future_status::cancelled);
}

TEST(threads, C4_6_what_has_not_begun_is_cancelled_without_running) {
    const support::watchdog guard;
    gate g;
    arrivals begun;
    bool ran = false;
    const auto kept = std::make_shared<int>(1);
    bide::threads t(at_most(1));  // destroyed before the gate, when its job has left the gate
    const opens at_the_end(g);
    const auto busy = t.submit([&] {
        begun.arrive();
        g.pass();
    });
    begun.await(1);
    const auto f = t.submit([&ran, kept] { ran = true; });
    EXPECT_EQ(t.counts().queued, 1);
    f.stop();
    EXPECT_EQ(f.status(), bide::future_status::cancelled);  // at once
    EXPECT_EQ(kept.use_count(), 1);
    EXPECT_EQ(t.counts().queued, 0);
    EXPECT_THROW(f.wait(), bide::cancelled);
    EXPECT_FALSE(ran);
}

TEST(threads, C4_6_stop_against_begin) {
    const support::watchdog guard(100s);
    bide::threads t(at_most(2));
    std::atomic<int> ran{0};
    const auto kept = std::make_shared<int>(1);
    int cancelled = 0;
    constexpr int n = 4000;
    for (int i = 0; i < n; ++i) {
        const auto f = t.submit([&ran, kept] { ++ran; });
        if (i % 3 == 0) std::this_thread::yield();
        f.stop();
        try {
            f.wait();
        } catch (const bide::cancelled&) {
            ++cancelled;
        }
    }
    EXPECT_EQ(ran.load() + cancelled, n);
    t.shutdown();
    EXPECT_EQ(kept.use_count(), 1);
}

TEST(threads, C4_6_shutdown_runs_what_is_queued_and_joins_all) {
    const support::watchdog guard;
    const long before = support::threads_of_process();
    std::atomic<int> ran{0};
    bide::threads t(at_most(2));
    std::vector<bide::future<>> all;
    for (int i = 0; i < 100; ++i) all.push_back(t.submit([&] { ++ran; }));
    t.shutdown();
    EXPECT_EQ(ran.load(), 100);
    EXPECT_TRUE(support::threads_become(before));
    EXPECT_THROW(t.submit([] {}), bide::not_running);
    t.shutdown();
}

TEST(threads, C4_6_while_it_shuts_down_its_own_jobs_may_submit_and_others_may_not) {
    const support::watchdog guard;
    bide::threads t(at_most(2));
    gate g;
    arrivals begun;
    const auto inside = t.submit([&] {
        begun.arrive();
        g.pass();
        return t.submit(square, 9).wait();
    });
    begun.await(1);
    std::thread closer([&] { t.shutdown(); });
    EXPECT_TRUE(support::comes_true([&] {
        try {
            static_cast<void>(t.submit([] {}));
            return false;
        } catch (const bide::not_running&) {
            return true;
        }
    }));
    g.open();
    closer.join();
    EXPECT_EQ(inside.value(), 81);
}

TEST(threads, C4_6_shutdown_in_a_job_of_its_own_would_deadlock) {
    const support::watchdog guard;
    bide::threads t;
    EXPECT_THROW(t.submit([&t] { t.shutdown(); }).wait(), bide::would_deadlock);
    EXPECT_EQ(t.submit(square, 2).wait(), 4);
    EXPECT_THROW(bide::to_thread([] { bide::shutdown(); }).wait(), bide::would_deadlock);
}

TEST(threads, C4_6_C7_9_shutdown_joins_the_default_set_which_begins_anew) {
    const support::watchdog guard;
    bide::shutdown();
    const long before = support::threads_of_process();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(bide::to_thread(square, 3).wait(), 9);
        EXPECT_GT(support::threads_of_process(), before);
        bide::shutdown();
        EXPECT_TRUE(support::threads_become(before));
    }
}

TEST(threads, C4_6_the_destructor_joins) {
    const support::watchdog guard;
    std::atomic<int> ran{0};
    {
        bide::threads t(at_most(1));
        for (int i = 0; i < 20; ++i) static_cast<void>(t.submit([&] { ++ran; }));
    }
    EXPECT_EQ(ran.load(), 20);
}

using threads_death = testing::Test;
TEST(threads_death, C4_6_destroying_a_set_in_its_own_job_ends_the_program_with_a_message) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_DEATH(
        {
            auto* t = new bide::threads;
            t->submit([t] { delete t; }).wait();
        },
        "in one of their own jobs");
}

// ---- 1.11: what a job inherits --------------------------------------------------------------------------------------

constinit bide::task_local<std::string> request;

TEST(threads, C1_11_a_job_inherits_stop_deadline_and_task_locals) {
    const support::watchdog guard;
    struct seen {
        std::string request;
        std::optional<std::chrono::steady_clock::duration> left;
    };
    auto look = [] { return seen{request.get() != nullptr ? *request.get() : "none", bide::time_left()}; };
    auto op = [&]() -> bide::task<seen> {
        const auto f = bide::to_thread(look);
        co_return co_await f;
    };
    const seen below = bide::with_timeout(1h, request.with_value("r-17", op())).wait();
    EXPECT_EQ(below.request, "r-17");
    ASSERT_TRUE(below.left);
    EXPECT_GT(*below.left, 30min);
    EXPECT_LE(*below.left, 1h);
    const seen plain = bide::to_thread(look).wait();
    EXPECT_EQ(plain.request, "none");
    EXPECT_FALSE(plain.left);
}

TEST(threads, C1_11_C18_5_values_live_as_long_as_a_job_that_may_see_them) {
    const support::watchdog guard;
    gate g;
    bide::future<std::string> job;
    {
        const opens at_the_end(g);
        auto op = [&]() -> bide::task<> {
            job = bide::to_thread([&] {
                g.pass();
                return *request.get();
            });
            co_return;
        };
        request.with_value(std::string(100, 'x'), op()).wait();
    }
    EXPECT_EQ(job.wait(), std::string(100, 'x'));
}

TEST(threads, C1_11_a_deadline_in_virtual_time_is_the_same_span_of_real_time) {
    const support::watchdog guard;
    const bide::testing::virtual_time time;
    auto op = []() -> bide::task<std::optional<std::chrono::steady_clock::duration>> {
        const auto f = bide::to_thread([] { return bide::time_left(); });
        co_return co_await f;
    };
    const auto left = bide::with_timeout(1h, op()).wait();
    ASSERT_TRUE(left);
    EXPECT_GT(*left, 30min);
    EXPECT_LE(*left, 1h);
}

// ---- its threads ----------------------------------------------------------------------------------------------------

TEST(threads, C4_3_its_threads_have_names_and_take_no_signals) {
    const support::watchdog guard;
    bide::threads t;
    t.submit([] {
         char name[16] = {};
         pthread_getname_np(pthread_self(), name, sizeof name);
         EXPECT_STREQ(name, "bide thread");
         sigset_t blocked;
         pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
         for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE})
             EXPECT_EQ(sigismember(&blocked, s), 1) << s;
         for (const int s : {SIGSEGV, SIGBUS, SIGFPE}) EXPECT_EQ(sigismember(&blocked, s), 0) << s;
     }).wait();
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    EXPECT_EQ(sigismember(&mine, SIGINT), 0);  // and those of the maker are as they were
}

TEST(threads, C7_9_in_the_child_of_a_fork_an_inherited_set_says_so) {
    const support::watchdog guard;
    bide::threads t;
    t.submit([] {}).wait();
    EXPECT_EQ(bide::to_thread(square, 2).wait(), 4);
    const pid_t child = ::fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
        int status = 1;
        try {
            static_cast<void>(t.submit([] {}));
        } catch (const bide::usage_error& e) {
            status = std::string(e.what()).find("fork") != std::string::npos ? 0 : 2;
        }
        // The default set is made anew (the sanitizers' own threads do not survive a fork).
        if (!support::sanitized && bide::to_thread(square, 3).wait() != 9) status = 3;
        {
            const bide::threads* destroyed = &t;
            destroyed->~threads();
        }
        ::_exit(status);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

[[noreturn]] void leave_main_beside_a_job(bool dev_mode) {
    bide::set_dev_mode(dev_mode);
    arrivals begun;
    gate never;
    static_cast<void>(bide::to_thread([&] {
        begun.arrive();
        never.pass();
    }));
    begun.await(1);
    std::exit(7);
}

TEST(threads_death, C7_9_C17_4_leaving_main_waits_for_nothing_and_names_the_jobs_in_dev_mode) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_EXIT(leave_main_beside_a_job(true), testing::ExitedWithCode(7),
                "jobs on its threads are alive.*\n.*threads_test.cpp:[0-9]+");
}

TEST(threads_death, C7_9_C17_4_leaving_main_says_nothing_without_dev_mode) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_EXIT(leave_main_beside_a_job(false), testing::ExitedWithCode(7), "^$");
}

// ---- section 9: faults that must not come back ----------------------------------------------------------------------

TEST(threads, C9_1_waiting_after_completion_and_twice_returns) {
    const support::watchdog guard;
    const bide::future<int> f = bide::to_thread(square, 3);
    EXPECT_EQ(f.wait(), 9);
    EXPECT_EQ(f.wait(), 9);
    EXPECT_EQ(f.value(), 9);
    std::vector<std::thread> others;
    for (int i = 0; i < 4; ++i) others.emplace_back([f] { EXPECT_EQ(f.wait(), 9); });
    for (auto& o : others) o.join();
}

TEST(threads, C9_2_callbacks_that_race_with_completion_are_each_called_once_in_order) {
    const support::watchdog guard(100s);
    bide::threads t(at_most(4));
    for (int i = 0; i < 1500; ++i) {
        const auto f = t.submit(square, i);
        std::mutex m;
        std::vector<int> order;
        arrivals called;
        for (int k = 0; k < 4; ++k)
            f.subscribe(
                [&, k](int value) {
                    EXPECT_EQ(value, i * i);
                    {
                        const std::lock_guard hold(m);
                        order.push_back(k);
                    }
                    called.arrive();
                },
                [](const std::exception_ptr&) { ADD_FAILURE(); });
        called.await(4);
        const std::lock_guard hold(m);
        EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
    }
}

TEST(threads, C9_3_a_callback_may_subscribe_submit_and_wait) {
    const support::watchdog guard;
    bide::threads t(at_most(1));
    arrivals called;
    const auto f = t.submit(square, 2);
    f.subscribe(
        [&](int) {
            f.subscribe([&](int) { called.arrive(); }, [](const std::exception_ptr&) {});
            EXPECT_EQ(t.submit(square, 3).wait(), 9);
            called.arrive();
        },
        [](const std::exception_ptr&) {});
    called.await(2);
}

TEST(threads, C9_6_no_thread_no_descriptor_is_left_by_failed_and_nested_calls) {
    const support::watchdog guard(100s);
    const long threads_before = support::threads_of_process();
    const long descriptors_before = support::descriptors_of_process();
    for (int round = 0; round < 30; ++round) {
        bide::threads t(at_most(3));
        std::vector<bide::future<int>> all;
        for (int i = 0; i < 20; ++i)
            all.push_back(t.submit([&t, i]() -> int {
                if (i % 4 == 0) throw std::runtime_error("job");
                if (i % 4 == 1) return tree_of_tasks(t, 1);
                bide::sleep_for(100us).wait();
                return 1;
            }));
        for (auto& f : all) {
            try {
                f.wait();
            } catch (const std::runtime_error&) {}
        }
    }
    EXPECT_TRUE(support::threads_become(threads_before));
    EXPECT_EQ(support::descriptors_of_process(), descriptors_before);
}

TEST(threads, C9_6_threads_that_wait_once_and_end) {
    const support::watchdog guard(100s);
    bide::threads t(at_most(2));
    for (int i = 0; i < 200; ++i) {
        std::thread a([&] { EXPECT_EQ(t.submit(square, 4).wait(), 16); });
        std::thread b([&] { EXPECT_EQ(t.submit(square, 5).wait(), 25); });
        a.join();
        b.join();
    }
}

TEST(threads, C4_6_tasks_that_are_stopped_while_their_jobs_run) {
    const support::watchdog guard(100s);
    bide::threads t(at_most(3));
    support::life_count lives;
    for (int round = 0; round < 300; ++round) {
        bide::with_scope(bide::scope_options{.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            for (int i = 0; i < 4; ++i)
                s.start([&t, &lives, i]() -> bide::task<> {
                    auto f = t.submit([i](const support::counted&) { return square(i); }, support::counted(lives));
                    if (i % 2 == 0) co_return;  // the job goes on alone
                    co_await f;
                });
            bide::wait(bide::yield_now());
            if (round % 2 == 0) s.stop();
        });
    }
    t.shutdown();
    EXPECT_EQ(lives.alive.load(), 0);
}

}  // namespace
