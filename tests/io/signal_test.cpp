// SPDX-License-Identifier: BSL-1.0
#include <bide/io/signal.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <thread>

namespace {

using bide::signal_set;
using bide::task;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

class signals : public support::no_leaks {};

void (*handler_of(int signal))(int) {
    struct sigaction now{};
    EXPECT_EQ(::sigaction(signal, nullptr, &now), 0);
    return now.sa_handler;
}

TEST_F(signals, C15_23_a_signal_that_came_is_there) {
    signal_set s{SIGUSR1, SIGUSR2};
    ::raise(SIGUSR1);
    EXPECT_EQ(s.next().wait(), SIGUSR1);
    ::kill(::getpid(), SIGUSR2);
    EXPECT_EQ(s.next().wait(), SIGUSR2);
    EXPECT_THROW(bide::with_timeout(1ms, s.next()).wait(), bide::timed_out);
}

TEST_F(signals, one_that_waits_is_woken) {
    signal_set s{SIGUSR1};
    bide::loop l;
    auto waiting = l.submit([&]() -> task<int> { co_return co_await s.next(); });
    turn(l, 3);
    EXPECT_EQ(waiting.status(), bide::future_status::pending);
    ::raise(SIGUSR1);
    turn_until(l, waiting);
    EXPECT_EQ(waiting.value(), SIGUSR1);
}

TEST_F(signals, C15_23_several_are_all_given_and_none_starves_another) {
    signal_set s{SIGUSR1, SIGUSR2, SIGHUP, SIGRTMIN};
    for (const int signal : {SIGRTMIN, SIGHUP, SIGUSR2, SIGUSR1}) ::raise(signal);
    std::set<int> got;
    for (int i = 0; i < 4; ++i) {
        got.insert(s.next().wait());
        ::raise(SIGHUP);  // the lowest: again and again
    }
    EXPECT_EQ(got, (std::set<int>{SIGRTMIN, SIGHUP, SIGUSR2, SIGUSR1}));
}

TEST_F(signals, C15_23_a_cancelled_wait_has_taken_none) {
    signal_set s{SIGUSR1};
    bide::loop l;
    auto next = [&]() -> task<int> { co_return co_await s.next(); };
    auto waiting = l.submit(next);
    turn(l, 3);
    ::raise(SIGUSR1);
    waiting.stop();  // before the loop has looked
    turn_until(l, waiting);
    EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
    auto again = l.submit(next);
    turn_until(l, again);
    EXPECT_EQ(again.value(), SIGUSR1);
}

TEST_F(signals, C15_23_what_a_signal_did_before_comes_back) {
    static std::atomic<int> called{0};
    struct sigaction before{};
    struct sigaction ours{};
    ours.sa_handler = [](int) { ++called; };
    ASSERT_EQ(::sigaction(SIGUSR1, &ours, &before), 0);
    {
        std::optional<signal_set> first(std::in_place, SIGUSR1);
        signal_set second{SIGUSR1, SIGUSR2};
        first.reset();
        ::raise(SIGUSR1);
        EXPECT_EQ(called, 0);
        EXPECT_EQ(second.next().wait(), SIGUSR1);
    }
    ::raise(SIGUSR1);
    EXPECT_EQ(called, 1);
    EXPECT_EQ(handler_of(SIGUSR2), SIG_DFL);
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST_F(signals, C15_23_several_sets_are_all_told) {
    signal_set a{SIGUSR1}, b{SIGUSR1};
    ::raise(SIGUSR1);
    EXPECT_EQ(a.next().wait(), SIGUSR1);
    EXPECT_EQ(b.next().wait(), SIGUSR1);
}

TEST_F(signals, C15_23_what_cannot_be_waited_for_is_refused_and_leaves_nothing) {
    EXPECT_EQ(error_of([] { signal_set s(SIGUSR1, SIGKILL); }), std::errc::invalid_argument);
    EXPECT_EQ(handler_of(SIGUSR1), SIG_DFL);
    EXPECT_THROW(signal_set s(SIGSEGV), std::invalid_argument);
    EXPECT_THROW(signal_set s(0), std::invalid_argument);
    EXPECT_THROW(signal_set s(65), std::invalid_argument);
}

TEST_F(signals, one_that_is_destroyed_ends_its_wait_and_an_empty_one_says_so) {
    auto s = std::make_unique<signal_set>(SIGUSR1);
    bide::loop l;
    auto waiting = l.submit([&]() -> task<int> { co_return co_await s->next(); });
    turn(l, 3);
    const signal_set moved = std::move(*s);
    EXPECT_THROW(s->next().wait(), bide::usage_error);
    s = std::make_unique<signal_set>(SIGUSR2);
    auto second = l.submit([&]() -> task<int> { co_return co_await s->next(); });
    turn(l, 3);
    s.reset();
    turn_until(l, second);
    EXPECT_EQ(error_of([&] { second.value(); }), std::errc::operation_canceled);
    waiting.stop();
    l.run();
}

// As many as are asked for, and one of another kind after them: the last one of each is not lost, whatever was going on
// when it came. The reader looks for the next one when `apart` more have been sent.
void storm(int many, int apart) {
    signal_set s{SIGUSR1, SIGUSR2};
    std::atomic<int> sent{0};
    std::thread sending([&] {
        for (int i = 0; i < many; ++i) {
            sent.store(i + 1);
            ::pthread_kill(::pthread_self(), SIGUSR1);  // raise() makes two more system calls
        }
        ::raise(SIGUSR2);
    });
    int last_seen = 0;
    bool over = false;
    while (!over || last_seen < many) {
        const int signal = s.next().wait();  // hangs if one is lost
        over = over || signal == SIGUSR2;
        if (signal != SIGUSR1) continue;
        last_seen = sent.load();
        while (sent.load() < std::min(last_seen + apart, many)) ::sched_yield();
    }
    sending.join();
    EXPECT_EQ(last_seen, many);
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int fewer = 20;
#else
constexpr int fewer = 1;
#endif

TEST_F(signals, a_storm_of_a_million_and_its_last_one) { storm(1'000'000 / fewer, 100); }
TEST_F(signals, a_storm_in_which_each_may_find_the_reader_asleep) { storm(50'000 / fewer, 0); }

// Sets come and go while signals come on other threads.
TEST_F(signals, sets_come_and_go_in_a_storm) {
    const signal_set keeps{SIGUSR1};  // without it the last signal would end the program
    std::atomic<bool> over{false};
    std::thread storm([&] {
        while (!over) ::raise(SIGUSR1);
    });
    for (int i = 0; i < 300; ++i) {
        signal_set s{SIGUSR1};
        EXPECT_EQ(s.next().wait(), SIGUSR1);
    }
    over = true;
    storm.join();
}

}  // namespace
