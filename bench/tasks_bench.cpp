// SPDX-License-Identifier: BSL-1.0
//
// Tasks on one thread: wait, await, yield, start and join.
#include <bide/bide.hpp>

#include "asio.hpp"

#include <benchmark/benchmark.h>

namespace {

// ---- wait_ready: plain code blocks on a coroutine that has nothing to wait for

bide::task<int> answer(int n) { co_return n; }
asio::awaitable<int> asio_answer(int n) { co_return n; }

void wait_ready_bide(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(answer(1).wait());
}
void wait_ready_asio(benchmark::State& state) {
    asio::io_context context(1);
    for (auto _ : state) {
        auto result = asio::co_spawn(context, asio_answer(1), asio::use_future);
        run_all(context);
        benchmark::DoNotOptimize(result.get());
    }
}
BENCHMARK(wait_ready_bide)->Name("wait_ready/bide");
BENCHMARK(wait_ready_asio)->Name("wait_ready/asio");

// ---- await_ready: a coroutine awaits a child that has nothing to wait for

bide::task<> await_ready_loop(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(co_await answer(1));
}
asio::awaitable<void> asio_await_ready_loop(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(co_await asio_answer(1));
}
void await_ready_bide(benchmark::State& state) { await_ready_loop(state).wait(); }
void await_ready_asio(benchmark::State& state) {
    asio::io_context context(1);
    asio::co_spawn(context, asio_await_ready_loop(state), asio::detached);
    context.run();
}
BENCHMARK(await_ready_bide)->Name("await_ready/bide");
BENCHMARK(await_ready_asio)->Name("await_ready/asio");

// ---- yield: two tasks give way to each other; per switch

bide::task<> yield_loop(benchmark::State& state, bool& over) {
    while (state.KeepRunningBatch(2)) co_await bide::yield_now();
    over = true;
}
bide::task<> yield_until(const bool& over) {
    while (!over) co_await bide::yield_now();
}
asio::awaitable<void> asio_yield_loop(benchmark::State& state, bool& over) {
    while (state.KeepRunningBatch(2)) co_await asio::post(asio::use_awaitable);
    over = true;
}
asio::awaitable<void> asio_yield_until(const bool& over) {
    while (!over) co_await asio::post(asio::use_awaitable);
}
void yield_bide(benchmark::State& state) {
    bool over = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&] { return yield_loop(state, over); });
        s.start([&] { return yield_until(over); });
    });
}
void yield_asio(benchmark::State& state) {
    bool over = false;
    asio::io_context context(1);
    asio::co_spawn(context, asio_yield_loop(state, over), asio::detached);
    asio::co_spawn(context, asio_yield_until(over), asio::detached);
    context.run();
}
BENCHMARK(yield_bide)->Name("yield/bide");
BENCHMARK(yield_asio)->Name("yield/asio");

// ---- start_join: tasks are started, 100 at a time, and waited for; per task

constexpr int batch = 100;

bide::task<> nothing() { co_return; }
asio::awaitable<void> asio_nothing() { co_return; }

void start_join_bide(benchmark::State& state) {
    while (state.KeepRunningBatch(batch))
        bide::with_scope([](bide::scope& s) {
            for (int i = 0; i < batch; ++i) s.start(nothing);
        });
}
void start_join_asio(benchmark::State& state) {
    asio::io_context context(1);
    while (state.KeepRunningBatch(batch)) {
        for (int i = 0; i < batch; ++i) asio::co_spawn(context, asio_nothing(), asio::detached);
        run_all(context);
    }
}
BENCHMARK(start_join_bide)->Name("start_join/bide");
BENCHMARK(start_join_asio)->Name("start_join/asio");

}  // namespace
