// SPDX-License-Identifier: BSL-1.0
//
// The handle may go while somebody waits through it. The fault is a use after free: the sanitizers see it.
#include <bide/combine.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

namespace {

using namespace std::chrono_literals;
using bide::future;
using bide::future_status;
using bide::promise;
using bide::task;

const char* const text = "long enough to be on the heap, so that a use after free is one";

// A task that awaits a future whose last handle is in nobody's hands any more; the promise is the only other one.
struct awaiting {
    std::optional<promise<std::string>> end{std::in_place};
    std::unique_ptr<future<std::string>> handle = std::make_unique<future<std::string>>(end->get_future());
    bide::loop l;
    future<std::string> task_ended;

    awaiting() {
        task_ended = l.submit([](const future<std::string>& f) -> task<std::string> { co_return co_await f; },
                              std::cref(*handle));
        while (l.poll()) {}
        EXPECT_EQ(task_ended.status(), future_status::pending);
    }
};

TEST(future, C2_1_a_task_awaits_a_handle_that_goes) {
    awaiting a;
    a.handle.reset();
    a.end->set_value(text);
    a.end.reset();
    a.l.run();
    EXPECT_EQ(a.task_ended.value(), text);
}

TEST(future, C2_1_a_task_awaits_a_handle_that_is_given_another_result) {
    awaiting a;
    promise<std::string> other;
    *a.handle = other.get_future();
    a.end->set_value(text);
    a.end.reset();
    a.l.run();
    EXPECT_EQ(a.task_ended.value(), text);
}

TEST(future, C2_6_a_task_awaits_a_handle_that_goes_and_the_promise_is_broken) {
    awaiting a;
    a.handle.reset();
    a.end.reset();
    a.l.run();
    EXPECT_THROW(a.task_ended.value(), bide::broken_promise);
}

TEST(future, C2_3_a_task_is_stopped_while_it_awaits_a_handle_that_goes) {
    awaiting a;
    a.task_ended.stop();
    a.handle.reset();
    a.end.reset();
    a.l.run();
    EXPECT_EQ(a.task_ended.status(), future_status::cancelled);
}

TEST(future, C2_1_a_task_moves_from_a_handle_that_goes) {
    std::optional<promise<std::string>> end{std::in_place};
    auto handle = std::make_unique<future<std::string>>(end->get_future());
    bide::loop l;
    auto ended = l.submit([](future<std::string>& f) -> task<std::string> { co_return co_await std::move(f); },
                          std::ref(*handle));
    while (l.poll()) {}
    handle.reset();
    end->set_value(text);
    end.reset();
    l.run();
    EXPECT_EQ(ended.value(), text);
}

// The credits of a turn are used up: it is there already, and delivered through the queue.
TEST(future, C1_12_a_task_awaits_a_handle_that_goes_before_its_turn_comes) {
    promise<> before;
    before.set_value();
    const future<> ready = before.get_future();
    std::optional<promise<std::string>> end{std::in_place};
    auto handle = std::make_unique<future<std::string>>(end->get_future());
    end->set_value(text);
    end.reset();
    bide::loop l;
    auto ended = l.submit(
        [](const future<>& r, const future<std::string>& f) -> task<std::string> {
            for (unsigned i = 1; i < bide::detail::credits_per_turn; ++i) co_await r;
            co_return co_await f;
        },
        std::cref(ready), std::cref(*handle));
    l.poll();
    ASSERT_EQ(ended.status(), future_status::pending);  // in the queue
    handle.reset();
    l.run();
    EXPECT_EQ(ended.value(), text);
}

TEST(future, C2_1_plain_code_waits_through_a_handle_that_is_given_another_result) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        future<std::string> f = s.start([]() -> task<std::string> {
            co_await bide::sleep_for(2ms);
            co_return text;
        });
        const future<std::string> copy = f;
        promise<std::string> other;
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1ms);
            f = other.get_future();
        });
        EXPECT_EQ(f.wait(), text);
    });
}

// There is nothing left that the reference could refer to.
TEST(future, C2_1_plain_code_waits_through_the_last_handle_and_is_told_that_it_went) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        auto f = std::make_unique<future<std::string>>(s.start([]() -> task<std::string> {
            co_await bide::sleep_for(2ms);
            co_return text;
        }));
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1ms);
            f.reset();
        });
        EXPECT_THROW(f->wait(), bide::usage_error);
    });
}

TEST(future, C2_1_plain_code_waits_for_what_is_not_in_the_result_through_a_handle_that_goes) {
    const bide::testing::virtual_time time;
    int there = 5;
    bide::with_scope([&](bide::scope& s) {
        auto nothing = std::make_unique<future<>>(s.start(bide::sleep_for(2ms)));
        auto moved = std::make_unique<future<std::string>>(s.start([]() -> task<std::string> {
            co_await bide::sleep_for(4ms);
            co_return text;
        }));
        auto elsewhere = std::make_unique<future<int&>>(s.start([&there]() -> task<int&> {
            co_await bide::sleep_for(6ms);
            co_return there;
        }));
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1ms);
            nothing.reset();
            co_await bide::sleep_for(2ms);
            moved.reset();
            co_await bide::sleep_for(2ms);
            elsewhere.reset();
        });
        nothing->wait();
        EXPECT_EQ(std::move(*moved).wait(), text);
        EXPECT_EQ(&elsewhere->wait(), &there);
    });
}

TEST(future, C2_5_a_subscriber_on_the_callers_side_waits_through_a_handle_that_goes) {
    const bide::testing::virtual_time time;
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto f = std::make_unique<future<std::string>>(s.start([]() -> task<std::string> {
            co_await bide::sleep_for(2ms);
            co_return text;
        }));
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1ms);
            f.reset();
        });
        f->subscribe([&](const std::string& t) { got = t; }, [](const std::exception_ptr&) {}, bide::run_on::caller);
    });
    EXPECT_EQ(got, text);
}

TEST(promise, C9_1_it_is_completed_while_another_thread_gets_its_future) {
    for (int round = 0; round < 3000; ++round) {
        promise<int> p;
        std::atomic<int> here{0};
        const auto meet = [&here] {
            ++here;
            while (here != 2) {}
        };
        std::thread other([&] {
            meet();
            p.set_value(round);
        });
        meet();
        for (int i = 0; i < round % 50; ++i) static_cast<void>(here.load());
        std::atomic<int> got{-1};
        p.get_future().subscribe([&](int n) { got = n; }, [](const std::exception_ptr&) {});
        other.join();
        ASSERT_EQ(got, round);
    }
}

TEST(future, C2_5_a_subscriber_is_called_also_when_every_handle_has_gone) {
    const bide::testing::virtual_time time;
    std::string got;
    std::optional<promise<std::string>> end{std::in_place};
    end->get_future().subscribe([&](const std::string& t) { got = t; }, [](const std::exception_ptr&) {});
    end->set_value(text);
    EXPECT_EQ(got, text);

    std::string started;
    bide::with_scope([&](bide::scope& s) {
        s.start([]() -> task<std::string> {
             co_await bide::sleep_for(1ms);
             co_return text;
         }).subscribe([&](const std::string& t) { started = t; }, [](const std::exception_ptr&) {});
    });
    EXPECT_EQ(started, text);
}

TEST(future, C2_5_a_subscriber_that_is_called_at_once_drops_the_handle) {
    std::optional<promise<std::string>> end{std::in_place};
    auto f = std::make_unique<future<std::string>>(end->get_future());
    end->set_value(text);
    end.reset();
    std::string got;
    f->subscribe(
        [&](const std::string& t) {
            f.reset();
            got = t;
        },
        [](const std::exception_ptr&) {});
    EXPECT_EQ(got, text);
}

TEST(future, C5_1_when_all_observes_futures_whose_handles_go) {
    const bide::testing::virtual_time time;
    promise<std::string> a;
    promise<std::string> b;
    auto first = std::make_unique<future<std::string>>(a.get_future());
    future<std::string> second = b.get_future();
    bide::with_scope([&](bide::scope& s) {
        auto both = s.start([&]() -> task<std::string> {
            auto [x, y] = co_await bide::when_all(*first, second);
            co_return x + y;
        });
        s.start([&]() -> task<> {
            co_await bide::sleep_for(1ms);
            first.reset();
            second = future<std::string>();
            a.set_value("one ");
            b.set_value("two");
        });
        EXPECT_EQ(both.wait(), "one two");
    });
}

}  // namespace
