// SPDX-License-Identifier: BSL-1.0
//
// Timers: armed and not used, and a million tasks that sleep.
#include <bide/bide.hpp>

#include "asio.hpp"
#include "peers/rows.hpp"

#include <boost/asio/steady_timer.hpp>

#include <benchmark/benchmark.h>

#include <chrono>

namespace {

using namespace std::chrono_literals;

// ---- timer_cancel: a task is given an hour, and is done at once

bide::task<int> answer() { co_return 1; }
bide::task<> timer_cancel_loop(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(co_await bide::with_timeout(1h, answer()));
}
void timer_cancel_bide(benchmark::State& state) { timer_cancel_loop(state).wait(); }
void timer_cancel_asio(benchmark::State& state) {
    asio::io_context context(1);
    asio::steady_timer timer(context);
    for (auto _ : state) {
        timer.expires_after(1h);
        timer.async_wait([](const boost::system::error_code&) {});
        timer.cancel();
    }
    context.run();
}
BENCHMARK(timer_cancel_bide)->Name("timer_cancel/bide");
BENCHMARK(timer_cancel_asio)->Name("timer_cancel/asio");

// ---- sleepers: a million tasks sleep for one to ten seconds; bytes each, and the processor's time for each

constexpr long many = 1'000'000;
constexpr auto nap(long i) { return 1s + std::chrono::nanoseconds(9'000'000'000 / many * i); }

bide::task<> sleep_until(std::chrono::steady_clock::time_point at) { co_await bide::sleep_until(at); }
asio::awaitable<void> asio_sleep_until(std::chrono::steady_clock::time_point at) {
    asio::steady_timer timer(co_await asio::this_coro::executor, at);
    co_await timer.async_wait(asio::use_awaitable);
}
void note(benchmark::State& state, double bytes, double cpu) {
    state.counters["bytes"] = bytes / many;
    state.SetIterationTime(cpu / 1e9 / many);
}
void sleepers_bide(benchmark::State& state) {
    for (auto _ : state) {
        const double before = rows::resident_bytes();
        const double used = rows::cpu_ns();
        double bytes = 0;
        bide::with_scope([&](bide::scope& s) {
            const auto now = std::chrono::steady_clock::now();
            for (long i = 0; i < many; ++i) s.start(sleep_until, now + nap(i));
            bide::sleep_for(100ms).wait();  // all of them have begun
            bytes = rows::resident_bytes() - before;
        });
        note(state, bytes, rows::cpu_ns() - used);
    }
}
void sleepers_asio(benchmark::State& state) {
    for (auto _ : state) {
        const double before = rows::resident_bytes();
        const double used = rows::cpu_ns();
        asio::io_context context(1);
        const auto now = std::chrono::steady_clock::now();
        for (long i = 0; i < many; ++i) asio::co_spawn(context, asio_sleep_until(now + nap(i)), asio::detached);
        context.run_for(100ms);
        const double bytes = rows::resident_bytes() - before;
        context.run();
        note(state, bytes, rows::cpu_ns() - used);
    }
}
BENCHMARK(sleepers_bide)->Name("sleepers/bide")->Iterations(1)->UseManualTime();
BENCHMARK(sleepers_asio)->Name("sleepers/asio")->Iterations(1)->UseManualTime();

// ---- scope_cancel: a scope of a million sleepers is cancelled; per task

bide::task<> sleep_long() { co_await bide::sleep_for(1h); }
void scope_cancel_bide(benchmark::State& state) {
    for (auto _ : state) {
        double used = 0;
        bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            for (long i = 0; i < many; ++i) s.start(sleep_long);
            bide::wait(bide::yield_now());
            used = rows::cpu_ns();
        });
        state.SetIterationTime((rows::cpu_ns() - used) / 1e9 / many);
    }
}
BENCHMARK(scope_cancel_bide)->Name("scope_cancel/bide")->Iterations(1)->UseManualTime();

}  // namespace
