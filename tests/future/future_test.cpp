// SPDX-License-Identifier: BSL-1.0
#include <bide/future.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::task;
using bide::with_scope;

task<std::string> text_after(std::chrono::milliseconds d) {
    co_await bide::sleep_for(d);
    co_return "text";
}
task<int> fails_after(std::chrono::milliseconds d) {
    co_await bide::sleep_for(d);
    throw std::out_of_range("its own");
}

// What the hook was given while it lives.
struct hooked {
    static std::vector<std::string>& seen() {
        static std::vector<std::string> all;
        return all;
    }
    bide::unhandled_error_hook before;
    hooked()
        : before(bide::set_unhandled_error_hook([](std::exception_ptr e, const char*) {  // NOLINT
              seen().push_back(bide::describe(e));
          })) {
        seen().clear();
    }
    hooked(const hooked&) = delete;
    hooked& operator=(const hooked&) = delete;
    ~hooked() { bide::set_unhandled_error_hook(before); }
};

TEST(future, C2_1_status_and_value_without_waiting_and_after_the_scope) {
    const bide::testing::virtual_time time;
    bide::future<std::string> f;
    with_scope([&](bide::scope& s) {
        f = s.start(text_after, 1ms);
        EXPECT_EQ(f.status(), future_status::pending);
        EXPECT_THROW((void)f.value(), bide::not_ready);
    });
    EXPECT_EQ(f.status(), future_status::succeeded);
    EXPECT_EQ(f.value(), "text");
    const std::string& again = f.value();
    EXPECT_EQ(again, "text");
    const std::string moved = std::move(f).value();
    EXPECT_EQ(moved, "text");
}

TEST(future, C2_1_stop_asks_the_producer_and_dropping_a_handle_only_detaches) {
    const bide::testing::virtual_time time;
    bool finished = false;
    with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1s);
            finished = true;
        });  // the handle is dropped here
        auto f = s.start(text_after, 1h);
        f.stop();
        EXPECT_THROW((void)f.wait(), bide::cancelled);
        EXPECT_EQ(f.status(), future_status::cancelled);
        EXPECT_THROW((void)f.value(), bide::cancelled);
    });
    EXPECT_TRUE(finished);
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(future, C2_2_C9_1_every_waiter_gets_the_original_exception_every_time) {
    const bide::testing::virtual_time time;
    int caught = 0;
    with_scope({.error = bide::error_mode::keep_going}, [&](bide::scope& s) {
        auto f = s.start(fails_after, 1ms);
        for (int i = 0; i < 3; ++i)
            s.start([&caught, f]() -> task<> {
                try {
                    co_await f;
                } catch (const std::out_of_range&) {
                    ++caught;
                }
            });
        for (int i = 0; i < 2; ++i) EXPECT_THROW((void)f.wait(), std::out_of_range);  // also after completion
    });
    EXPECT_EQ(caught, 3);
}

TEST(future, C2_2_many_threads_wait_for_one_future) {
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { sum += f.wait(); });
    p.set_value(5);
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(sum, 40);
}

TEST(future, C2_3_cancelling_a_waiter_leaves_the_producer_alone) {
    const bide::testing::virtual_time time;
    with_scope([&](bide::scope& s) {
        auto f = s.start(text_after, 2s);
        auto waiter = s.start([f]() -> task<> { co_await f; });
        bide::wait(bide::sleep_for(1s));
        waiter.stop();
        EXPECT_THROW(waiter.wait(), bide::cancelled);
        EXPECT_EQ(f.wait(), "text");
    });
}

TEST(future, C2_4_cancelled_is_no_std_exception_and_leaving_another_task_it_is_a_failure) {
    const bide::testing::virtual_time time;
    static_assert(!std::is_base_of_v<std::exception, bide::cancelled>);
    bide::future<> waiter;
    EXPECT_THROW(with_scope([&](bide::scope& s) {
                     auto f = s.start(text_after, 1h);
                     waiter = s.start([f]() -> task<> { co_await f; });
                     bide::wait(bide::yield_now());
                     f.stop();
                 }),
                 bide::cancelled);
    EXPECT_EQ(waiter.status(), future_status::failed);  // it was not itself asked to stop before it failed
}

TEST(future, C2_4_wait_during_unwinding_is_shielded_and_never_throws) {
    const hooked hook;
    struct waits_in_destructor {
        int& n;
        explicit waits_in_destructor(int& out) : n(out) {}
        waits_in_destructor(const waits_in_destructor&) = delete;
        waits_in_destructor& operator=(const waits_in_destructor&) = delete;
        ~waits_in_destructor() {
            n = static_cast<int>(text_after(1ms).wait().size());
            fails_after(1ms).wait();
        }
    };
    const bide::testing::virtual_time time;
    int n = 0;
    try {
        const waits_in_destructor w(n);
        throw std::runtime_error("unwinding");
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "unwinding");
    }
    EXPECT_EQ(n, 4);
    EXPECT_EQ(hooked::seen(), std::vector<std::string>{"its own"});
}

TEST(future, C2_5_C9_2_subscribers_are_called_once_in_order_early_and_late) {
    std::vector<std::string> log;
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    const auto error = [&](const std::exception_ptr&) { log.push_back("error"); };
    f.subscribe([&](int n) { log.push_back("a" + std::to_string(n)); }, error);
    f.subscribe(
        [&](int) {
            log.push_back("b");
            f.subscribe([&](int) { log.push_back("from b, after c"); }, error);
        },
        error);
    f.subscribe([&](int) { log.push_back("c"); }, error);
    p.set_value(1);
    f.subscribe([&](int) { log.push_back("late"); }, error);
    f.subscribe([&](int) { log.push_back("caller"); }, error, bide::run_on::caller);
    EXPECT_EQ(log, (std::vector<std::string>{"a1", "b", "c", "from b, after c", "late", "caller"}));
}

TEST(future, C2_5_cancellation_and_failure_reach_on_error_which_consumes) {
    const hooked hook;
    std::vector<std::string> log;
    const auto note = [&](const std::exception_ptr& e) { log.push_back(bide::describe(e)); };
    {
        bide::promise<> a;
        a.get_future().subscribe([] {}, note);
        a.set_exception(std::make_exception_ptr(std::runtime_error("bad")));
        bide::promise<> b;
        b.get_future().subscribe([] {}, note);
        b.set_cancelled();
    }
    EXPECT_EQ(log, (std::vector<std::string>{"bad", "cancelled: stop asked for by the program"}));
    EXPECT_TRUE(hooked::seen().empty());
}

TEST(future, C2_5_a_callback_that_throws_stops_nothing) {
    const hooked hook;
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    int called = 0;
    f.subscribe([](int) { throw std::runtime_error("callback"); }, [](const std::exception_ptr&) {});
    f.subscribe([&](int) { ++called; }, [](const std::exception_ptr&) {});
    p.set_value(2);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(f.value(), 2);
    EXPECT_EQ(hooked::seen(), std::vector<std::string>{"callback"});
}

TEST(future, C2_5_a_null_callback_is_refused_and_nothing_registered) {
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    int called = 0;
    const std::function<void(int)> none;
    const std::function<void(std::exception_ptr)> no_error;
    EXPECT_THROW(f.subscribe(none, [](const std::exception_ptr&) {}), std::invalid_argument);
    EXPECT_THROW(f.subscribe([&](int) { ++called; }, no_error), std::invalid_argument);
    p.set_value(1);
    EXPECT_EQ(called, 0);
}

TEST(future, C2_6_a_promise_completes_once_and_a_dropped_one_is_broken) {
    bide::future<int> f;
    {
        bide::promise<int> p;
        f = p.get_future();
        EXPECT_THROW((void)p.get_future(), bide::usage_error);
    }
    EXPECT_THROW((void)f.wait(), bide::broken_promise);
    bide::promise<std::unique_ptr<int>> q;
    auto g = q.get_future();
    q.set_value(std::make_unique<int>(3));
    EXPECT_THROW(q.set_value(nullptr), bide::usage_error);
    EXPECT_EQ(*std::move(g).wait(), 3);
}

TEST(future, C2_6_of_two_threads_that_complete_it_one_is_told) {
    for (int round = 0; round < 200; ++round) {
        bide::promise<int> p;
        const bide::future<int> f = p.get_future();
        std::atomic<int> refused{0};
        const auto complete = [&](int n) {
            try {
                p.set_value(n);
            } catch (const bide::usage_error&) {
                ++refused;
            }
        };
        std::thread other(complete, 1);
        complete(2);
        other.join();
        EXPECT_EQ(refused, 1);
        EXPECT_TRUE(f.value() == 1 || f.value() == 2);
    }
}

TEST(future, C2_7_a_failure_that_nobody_saw_goes_to_the_hook) {
    const hooked hook;
    {
        bide::promise<int> p;
        auto f = p.get_future();
        p.set_exception(std::make_exception_ptr(std::runtime_error("nobody saw it")));
    }
    EXPECT_EQ(hooked::seen(), std::vector<std::string>{"nobody saw it"});
}

TEST(future, C9_2_no_subscriber_is_lost_in_a_race_with_completion) {
    for (int round = 0; round < 500; ++round) {
        bide::promise<int> p;
        const bide::future<int> f = p.get_future();
        std::atomic<int> called{0};
        std::thread completer([&] { p.set_value(1); });
        for (int i = 0; i < 4; ++i) f.subscribe([&](int) { ++called; }, [](const std::exception_ptr&) {});
        completer.join();
        EXPECT_EQ(called, 4);
    }
}

}  // namespace
