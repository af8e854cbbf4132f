// SPDX-License-Identifier: BSL-1.0
//
// 1.6: a wait that can be seen to have no end throws would_deadlock, and says the remedy.
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using bide::task;

template <class F>
std::string deadlock_text(F f) {
    try {
        f();
    } catch (const bide::would_deadlock& e) {
        return e.what();
    }
    return {};
}

TEST(wait_deadlock, C1_6_a_hot_future_that_only_the_standing_loop_could_finish) {
    const bide::testing::virtual_time time;
    std::string text;
    bide::future<> other;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            text = deadlock_text([&] { other.wait(); });
            co_return;
        });
        other = s.start([]() -> task<> { co_await bide::sleep_for(1s); });
    });
    EXPECT_NE(text.find("co_await"), std::string::npos) << text;
    EXPECT_NE(text.find("wait_deadlock_test.cpp"), std::string::npos) << text;
    EXPECT_EQ(other.status(), bide::future_status::succeeded);  // nobody was harmed
}
TEST(wait_deadlock, C1_6_also_when_it_has_begun_and_sleeps) {
    const bide::testing::virtual_time time;
    std::string text;
    bide::with_scope([&](bide::scope& s) {
        const bide::future<> first = s.start([]() -> task<> { co_await bide::sleep_for(1s); });
        s.start([&, first]() -> task<> {
            text = deadlock_text([&] { first.wait(); });
            co_return;
        });
        s.join().wait();
    });
    EXPECT_NE(text, "");
}
TEST(wait_deadlock, C1_6_also_through_a_wait_that_was_entered_in_line) {
    const bide::testing::virtual_time time;
    std::string text;
    bide::future<> other;
    bide::with_scope([&](bide::scope& s) {
        other = s.start([]() -> task<> { co_await bide::sleep_for(1s); });
        const auto stands = [&]() -> task<> {  // runs in line below the body's wait(), nothing has suspended yet
            text = deadlock_text([&] { other.wait(); });
            co_return;
        };
        stands().wait();
    });
    EXPECT_NE(text, "");
}
TEST(wait_deadlock, C1_6_also_two_levels_of_waiting_up) {
    const bide::testing::virtual_time time;
    std::string text;
    bide::future<> other;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            const auto middle = [&]() -> task<> {
                co_await bide::sleep_for(1s);
                text = deadlock_text([&] { other.wait(); });
            };
            middle().wait();
            co_return;
        });
        other = s.start([]() -> task<> { co_await bide::sleep_for(1s); });
    });
    EXPECT_NE(text, "");
}
TEST(wait_deadlock, C1_6_the_own_loop_threads_future) {
    bide::loop l;
    std::string text;
    bide::promise<> end;
    auto hot = l.submit([f = end.get_future()]() -> task<> { co_await f; });
    auto asks = l.submit([&]() -> task<> {
        text = deadlock_text([&] { hot.wait(); });
        end.set_value();
        co_return;
    });
    l.run();
    EXPECT_NE(text, "");
    EXPECT_EQ(hot.status(), bide::future_status::succeeded);
}
TEST(wait_deadlock, C1_6_a_task_that_awaits_its_own_future) {
    std::string text;
    bide::future<> mine;
    bide::with_scope([&](bide::scope& s) {
        mine = s.start([&]() -> task<> {
            try {
                co_await mine;
            } catch (const bide::would_deadlock& e) {
                text = e.what();
            }
        });
    });
    EXPECT_NE(text, "");
}
TEST(wait_deadlock, C1_6_a_circle_of_futures_closes_whoever_goes_to_sleep_last) {
    const bide::testing::virtual_time time;
    constexpr std::size_t n = 5;
    bide::future<int> f[n];
    int errors = 0;
    bide::with_scope([&](bide::scope& s) {
        for (std::size_t i = 0; i < n; ++i)
            f[i] = s.start([&, i]() -> task<int> {
                co_await bide::sleep_for(i * 1s);
                try {
                    co_return 1 + co_await f[(i + 1) % n];
                } catch (const bide::would_deadlock&) {
                    ++errors;
                }
                co_return 0;
            });
    });
    EXPECT_EQ(errors, 1);  // one is woken, the others have their result then
    int sum = 0;
    for (auto& each : f) sum += each.value();
    EXPECT_EQ(sum, 0 + 1 + 2 + 3 + 4);
}
TEST(wait_deadlock, C1_6_a_circle_over_two_threads) {
    bide::loop a;
    bide::loop b;
    bide::future<> fa;
    bide::future<> fb;
    std::latch both(2);
    std::atomic<int> errors{0};
    const auto waits_for = [&](bide::future<>& other) -> task<> {
        both.arrive_and_wait();
        try {
            co_await other;
        } catch (const bide::would_deadlock&) {
            ++errors;
        }
    };
    fa = a.submit(waits_for, std::ref(fb));
    fb = b.submit(waits_for, std::ref(fa));
    std::thread ta([&] { a.run(); });
    std::thread tb([&] { b.run(); });
    ta.join();
    tb.join();
    EXPECT_EQ(errors, 1);
}
TEST(wait_deadlock, C1_6_joining_ones_own_scope) {
    std::string co;
    std::string plain;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            try {
                co_await s.join();
            } catch (const bide::would_deadlock& e) {
                co = e.what();
            }
        });
        s.start([&]() -> task<> {
            plain = deadlock_text([&] { s.join().wait(); });
            co_return;
        });
        s.join().wait();
    });
    EXPECT_NE(co.find("join"), std::string::npos) << co;
    EXPECT_NE(plain.find("join"), std::string::npos) << plain;
}
TEST(wait_deadlock, C1_6_a_wait_with_an_end_is_none) {
    const bide::testing::virtual_time time;
    int got = 0;
    bide::with_scope([&](bide::scope& s) {
        const bide::future<int> slow = s.start([]() -> task<int> {
            co_await bide::sleep_for(1h);
            co_return 4;
        });
        for (int i = 0; i < 10; ++i) s.start([&, slow]() -> task<> { got += co_await slow; });
        got += slow.wait();
    });
    EXPECT_EQ(got, 44);
}
TEST(wait_deadlock, C1_6_a_producer_that_is_stopped_is_none) {
    const bide::testing::virtual_time time;
    bool cancelled = false;
    bide::with_scope([&](bide::scope& s) {
        const bide::future<> f = s.start([]() -> task<> { co_await bide::sleep_for(1h); });
        s.start([f]() -> task<> {
            co_await bide::sleep_for(1s);
            f.stop();
        });
        try {
            f.wait();
        } catch (const bide::cancelled&) {
            cancelled = true;
        }
    });
    EXPECT_TRUE(cancelled);
}

}  // namespace
