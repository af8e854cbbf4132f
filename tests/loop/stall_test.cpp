// SPDX-License-Identifier: BSL-1.0
//
// A loop reports waits that have no known completer (contract 1.6), and no others.
#include <bide/call.hpp>
#include <bide/combine.hpp>
#include <bide/error.hpp>
#include <bide/foreign.hpp>
#include <bide/future.hpp>
#include <bide/io/tcp.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/sync/barrier.hpp>
#include <bide/sync/channel.hpp>
#include <bide/sync/condition.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/latch.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/sync/semaphore.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include "support/foreign.hpp"
#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;
using support::watchdog;

// Collects the reports while it lives. It calls `then` at each report, on the waiting thread: so a test whose wait
// nothing else ends can end the wait.
class reports {
public:
    explicit reports(std::function<void()> then = [] {})
        : then_(std::move(then)), before_(bide::set_report_hook(&take)) {
        now() = this;
    }
    reports(const reports&) = delete;
    reports& operator=(const reports&) = delete;
    ~reports() {
        bide::set_report_hook(before_);
        now() = nullptr;
    }
    [[nodiscard]] std::vector<std::string> all() const {
        const std::lock_guard guard(m_);
        return all_;
    }
    [[nodiscard]] std::size_t count() const { return all().size(); }
    void wait_for(std::size_t n) {
        std::unique_lock guard(m_);
        came_.wait(guard, [&] { return all_.size() >= n; });
    }

private:
    static reports*& now() {
        static reports* r = nullptr;
        return r;
    }
    static void take(const std::string& text) {
        reports& r = *now();
        {
            const std::lock_guard guard(r.m_);
            r.all_.push_back(text);
            r.came_.notify_all();
        }
        r.then_();
    }
    std::function<void()> then_;
    bide::report_hook before_;
    mutable std::mutex m_;
    std::condition_variable came_;
    std::vector<std::string> all_;
};

struct delay {
    explicit delay(std::chrono::milliseconds d) { bide::set_stall_delay(d); }
    delay(const delay&) = delete;
    delay& operator=(const delay&) = delete;
    ~delay() { bide::set_stall_delay(std::nullopt); }
};

testing::AssertionResult says(const std::vector<std::string>& all, std::initializer_list<const char*> parts) {
    if (all.size() != 1) return testing::AssertionFailure() << all.size() << " reports";
    for (const char* part : parts)
        if (all.front().find(part) == std::string::npos)
            return testing::AssertionFailure() << "not in it: " << part << "\n" << all.front();
    return testing::AssertionSuccess();
}

// ---- in virtual time a stall is certain -----------------------------------------------------------------------------

task<> inner(bide::event& e) { co_await e; }
task<> outer(bide::event& e) { co_await inner(e); }

TEST(stall, C1_6_a_wait_in_plain_code_for_an_event_that_nobody_sets) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    const unsigned line = __LINE__ + 1;
    e.wait();
    EXPECT_TRUE(says(seen.all(), {"stall", "waits for an event", "Remedy", "with_timeout",
                                  ("stall_test.cpp:" + std::to_string(line)).c_str()}));
    EXPECT_EQ(time.elapsed(), 0s);
}

TEST(stall, C1_6_C17_3_the_report_shows_the_chain_of_frames) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    outer(e).wait();
    EXPECT_TRUE(says(seen.all(), {"inner(", "outer(", "stall_test.cpp"}));
}

TEST(stall, C1_6_tasks_of_a_scope_at_its_end_in_plain_code) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    bide::with_scope([&](bide::scope& s) {
        s.start(outer, std::ref(e));
        s.start(bide::sleep_for(1s));  // the stall is reported after this task has ended
    });
    EXPECT_TRUE(says(seen.all(), {"waits for an event", "task #"}));
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(stall, C1_6_tasks_of_a_scope_that_is_joined) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    bide::with_scope([&](bide::scope& s) {
        s.start(inner, std::ref(e));
        s.join().wait();
    });
    EXPECT_TRUE(says(seen.all(), {"waits for an event"}));
}

TEST(stall, C1_6_tasks_of_a_scope_in_a_coroutine_and_whoever_waits_for_them) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    bide::future<> f;  // outlives the body
    bide::with_scope([&](bide::scope& s) {
        f = s.start([&]() -> task<> {
            co_await bide::with_scope([&](bide::scope& below) -> task<> {
                below.start(inner, std::ref(e));
                co_await below.join();
            });
        });
        s.start([](bide::future<> g) -> task<> { co_await g; }, f);
        s.start([&]() -> task<> { co_await bide::when_all(f, f); });
    });
    EXPECT_TRUE(says(seen.all(), {"waits for an event"}));
}

TEST(stall, C1_6_the_holder_of_a_mutex_waits_for_an_event) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    bide::mutex m;
    const reports seen([&] { e.set(); });
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            const auto held = co_await m.lock();
            co_await e;
        });
        s.start([&]() -> task<> { const auto held = co_await m.lock(); });
    });
    EXPECT_TRUE(says(seen.all(), {"waits for an event"}));
}

// Runs `wait`, which ends only because the report calls `end`.
void expect_stall(const char* what, const std::function<void()>& wait, std::function<void()> end) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    const reports seen(std::move(end));
    wait();
    EXPECT_TRUE(says(seen.all(), {what, "Remedy"}));
}

TEST(stall, C1_6_C17_3_every_primitive_without_an_owner) {
    bide::channel<int> empty(1);
    expect_stall(
        "waits for a channel to have a value", [&] { static_cast<void>(empty.receive().wait()); },
        [&] { empty.close(); });
    bide::channel<int> full(1);
    static_cast<void>(full.send(1).wait());
    expect_stall(
        "waits for a channel to have room", [&] { static_cast<void>(full.send(2).wait()); },
        [&] { static_cast<void>(full.receive().wait()); });
    bide::latch l(1);
    expect_stall("waits for a latch", [&] { l.wait(); }, [&] { l.count_down(); });
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    expect_stall("waits for a future", [&] { f.wait(); }, [&] { p.set_value(1); });
    bide::semaphore s(0);
    expect_stall("waits for a semaphore", [&] { static_cast<void>(bide::wait(s.acquire())); }, [&] { s.release(); });
    bide::barrier b(2);
    expect_stall(
        "waits for a barrier", [&] { static_cast<void>(bide::wait(b.arrive_and_wait())); },
        [&] { std::thread([&] { static_cast<void>(bide::wait(b.arrive_and_wait())); }).join(); });
    bide::mutex m;
    bide::condition c;
    expect_stall(
        "waits for a condition",
        [&] {
            auto held = m.lock().wait();
            c.wait(held).wait();
        },
        [&] { c.notify_one(); });
}

TEST(stall, C1_6_foreign_code) {
    std::coroutine_handle<> waiting;
    expect_stall(
        "waits for code that bide does not know",
        [&] { bide::wait([](std::coroutine_handle<>& h) -> task<> { co_await support::foreign_wait(h); }(waiting)); },
        [&] { waiting.resume(); });
}

TEST(stall, C1_6_the_end_of_a_scope_after_foreign_code_that_is_over) {
    struct throws_late {
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("from await_suspend"); }
        void await_resume() const {}
    };
    bide::event e;
    const auto body = [&]() -> task<> {
        co_await bide::with_scope([&](bide::scope& s) -> task<> {
            s.start(inner, std::ref(e));
            co_return;
        });
        const bool threw = co_await [&]() -> task<bool> {
            try {
                co_await throws_late();
            } catch (const std::runtime_error&) {
                co_return true;
            }
            co_return false;
        }();
        EXPECT_TRUE(threw);
        e.reset();
        co_await bide::with_scope([&](bide::scope& s) -> task<> {
            s.start(inner, std::ref(e));
            co_return;
        });
    };
    const watchdog guard;
    const bide::testing::virtual_time time;
    const reports seen([&] { e.set(); });
    body().wait();
    const std::vector<std::string> all = seen.all();
    ASSERT_EQ(all.size(), 2U);
    for (const std::string& report : all) {
        EXPECT_TRUE(says({report}, {"waits for an event", "Remedy"}));
        EXPECT_EQ(report.find("code that bide does not know"), std::string::npos) << report;
    }
}
TEST(stall, C1_6_several_tasks_in_one_report) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 20; ++i) s.start(inner, std::ref(e));
    });
    EXPECT_TRUE(says(seen.all(), {"more"}));
}

TEST(stall, C1_6_each_stall_is_reported_not_only_the_first) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen([&] { e.set(); });
    for (int i = 0; i < 3; ++i) {
        e.reset();
        e.wait();
    }
    EXPECT_EQ(seen.count(), 3U);
}

TEST(stall, C1_6_C17_3_a_timer_a_deadline_or_a_job_is_an_end) {
    const watchdog guard;
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen;
    EXPECT_THROW(bide::with_timeout(1h, e).wait(), bide::timed_out);
    bide::with_scope([&](bide::scope& s) {
        s.start(inner, std::ref(e));
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1h);
            e.set();
        });
    });
    e.reset();
    bide::with_scope([&](bide::scope& s) {
        s.start(inner, std::ref(e));
        s.start([&]() -> task<> {
            co_await bide::to_thread([] { std::this_thread::sleep_for(20ms); });
            e.set();
        });
    });
    EXPECT_EQ(seen.count(), 0U);
}

TEST(stall, C1_6_what_another_loop_may_end_is_not_certain) {
    const watchdog guard;
    bide::loop_thread other;
    other.start();
    bide::event e;
    bide::event begun;
    auto sets = other.submit([&]() -> task<> {
        begun.set();
        co_await bide::sleep_for(20ms);
        e.set();
    });
    begun.wait();
    const bide::testing::virtual_time time;
    const reports seen;
    e.wait();
    EXPECT_EQ(seen.count(), 0U);
    sets.wait();
}

TEST(stall, C1_6_C17_3_never_if_so_asked) {
    const watchdog guard;
    const delay never(std::chrono::milliseconds::max());
    const bide::testing::virtual_time time;
    bide::event e;
    const reports seen;
    std::thread other([&] {
        std::this_thread::sleep_for(20ms);
        e.set();
    });
    e.wait();
    other.join();
    EXPECT_EQ(seen.count(), 0U);
}

// ---- in real time after a while -------------------------------------------------------------------------------------

TEST(stall, C1_6_C17_3_the_delay_is_that_of_dev_mode_unless_it_is_set) {
    const bool before = bide::dev_mode();
    bide::set_dev_mode(false);
    EXPECT_EQ(bide::stall_delay(), std::chrono::milliseconds::max());
    bide::set_dev_mode(true);
    EXPECT_EQ(bide::stall_delay(), 5s);
    {
        const delay d(7ms);
        EXPECT_EQ(bide::stall_delay(), 7ms);
    }
    EXPECT_EQ(bide::stall_delay(), 5s);
    bide::set_dev_mode(before);
}

TEST(stall, C1_6_real_time_plain_code) {
    const watchdog guard;
    const delay d(5ms);
    bide::event e;
    const reports seen([&] { e.set(); });
    e.wait();
    EXPECT_TRUE(says(seen.all(), {"for 5 ms", "waits for an event", "the wait() at", "Remedy"}));
}

TEST(stall, C1_6_C17_3_real_time_once_per_wait_and_without_a_busy_thread) {
    const watchdog guard;
    const delay d(2ms);
    bide::event e;
    reports seen;
    std::thread waiting([&] { e.wait(); });
    seen.wait_for(1);
    std::this_thread::sleep_for(50ms);  // many delays: a loop that reports again would do so in this time
    EXPECT_EQ(seen.count(), 1U);
    e.set();
    waiting.join();
}

TEST(stall, C1_6_real_time_a_loop_thread_whose_task_nobody_feeds) {
    const watchdog guard;
    const delay d(5ms);
    bide::channel<int> c(1);
    reports seen;
    bide::loop_thread t;
    t.start();
    auto f = t.submit([&]() -> task<> { static_cast<void>(co_await c.receive()); });
    seen.wait_for(1);
    EXPECT_TRUE(says(seen.all(), {"waits for a channel to have a value", "task #"}));
    c.close();
    try {
        f.wait();
    } catch (const std::exception&) {
        // the channel was closed: the task ends with this exception
    }
}

TEST(stall, C1_6_real_time_in_a_loop_that_watches_descriptors_no_more) {
    const watchdog guard;
    const delay d(5ms);
    bide::event e;
    const reports seen([&] { e.set(); });
    bide::loop l;
    static_cast<void>(l.descriptor());  // from now on the loop sleeps in epoll
    auto f = l.submit(inner, std::ref(e));
    l.run();
    EXPECT_TRUE(says(seen.all(), {"waits for an event"}));
}

// No false alarms: each of these sleeps lasts many delays, and a stall would be reported after one.
constexpr auto many_delays = 40ms;

TEST(stall, C1_6_C17_3_a_server_that_waits_for_connections_is_left_alone) {
    const watchdog guard;
    const delay d(1ms);
    const reports seen;
    bide::loop_thread t;
    t.start();
    bide::event over;
    auto serves = t.submit([&]() -> task<> {
        auto listener = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
        bide::scope_options options;
        options.exit = bide::exit_mode::cancel;
        co_await bide::with_scope(options, [&](bide::scope& s) -> task<> {
            s.start([&]() -> task<> { static_cast<void>(co_await listener.accept()); });
            co_await over;
        });
    });
    std::this_thread::sleep_for(many_delays);
    EXPECT_EQ(seen.count(), 0U);
    over.set();
    serves.wait();
}

TEST(stall, C1_6_C17_3_a_loop_thread_without_tasks_is_left_alone) {
    const watchdog guard;
    const delay d(1ms);
    const reports seen;
    bide::loop_thread t;
    t.start();
    std::this_thread::sleep_for(many_delays);
    EXPECT_EQ(seen.count(), 0U);
}

TEST(stall, C1_6_a_wait_for_another_loops_task_is_left_alone) {
    const watchdog guard;
    const delay d(1ms);
    const reports seen;
    bide::loop_thread t;
    t.start();
    auto f = t.submit(bide::sleep_for(many_delays));
    bide::event e;
    bide::with_scope([&](bide::scope& s) {
        s.start(inner, std::ref(e));
        s.start([&]() -> task<> {
            co_await f;
            e.set();
        });
    });
    EXPECT_EQ(seen.count(), 0U);
}

TEST(stall, C1_6_a_task_that_has_moved_to_another_executor_is_left_alone) {
    const watchdog guard;
    const delay d(1ms);
    const reports seen;
    bide::loop_thread t;
    t.start();
    bide::event e;
    bide::with_scope([&](bide::scope& s) {
        s.start(inner, std::ref(e));
        s.start([&]() -> task<> {
            co_await bide::resume_on(t.get_executor());
            co_await bide::sleep_for(many_delays);
            e.set();
        });
    });
    EXPECT_EQ(seen.count(), 0U);
}

}  // namespace
