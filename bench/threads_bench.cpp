// SPDX-License-Identifier: BSL-1.0
//
// Across threads. What is measured is mostly the operating system's waking and sleeping.
#include <bide/bide.hpp>
#include <bide/loop_thread.hpp>
#include <bide/threads.hpp>

#include "asio.hpp"

#include <benchmark/benchmark.h>

namespace {

int compute() { return 1; }
asio::awaitable<int> asio_compute() { co_return compute(); }
bide::task<int> answer() { co_return 1; }

// ---- to_thread: a task hands a function to a thread and awaits its result

bide::task<> to_thread_loop(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(co_await bide::to_thread(compute));
}
asio::awaitable<void> asio_to_thread_loop(benchmark::State& state, asio::thread_pool& pool) {
    for (auto _ : state) benchmark::DoNotOptimize(co_await asio::co_spawn(pool, asio_compute(), asio::use_awaitable));
}
void to_thread_bide(benchmark::State& state) { to_thread_loop(state).wait(); }
void to_thread_asio(benchmark::State& state) {
    asio::thread_pool pool(4);
    asio::io_context context(1);
    asio::co_spawn(context, asio_to_thread_loop(state, pool), asio::detached);
    context.run();
    pool.join();
}
BENCHMARK(to_thread_bide)->Name("to_thread/bide")->UseRealTime();
BENCHMARK(to_thread_asio)->Name("to_thread/asio")->UseRealTime();

// ---- future_wait: plain code gives a coroutine to a loop on another thread and blocks for its result

void future_wait_bide(benchmark::State& state) {
    bide::loop_thread thread;
    thread.start();
    for (auto _ : state) benchmark::DoNotOptimize(thread.submit(answer).wait());
    thread.stop();
}
void future_wait_asio(benchmark::State& state) {
    asio_thread thread;
    for (auto _ : state)
        benchmark::DoNotOptimize(asio::co_spawn(thread.context, asio_compute(), asio::use_future).get());
}
BENCHMARK(future_wait_bide)->Name("future_wait/bide")->UseRealTime();
BENCHMARK(future_wait_asio)->Name("future_wait/asio")->UseRealTime();

}  // namespace
