// SPDX-License-Identifier: BSL-1.0
//
// Across threads. What is measured is mostly the operating system's waking and sleeping.
#include <bide/bide.hpp>
#include <bide/loop_thread.hpp>
#include <bide/pool.hpp>
#include <bide/threads.hpp>

#include "asio.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <vector>

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
    thread.shutdown();
}
void future_wait_asio(benchmark::State& state) {
    asio_thread thread;
    for (auto _ : state)
        benchmark::DoNotOptimize(asio::co_spawn(thread.context, asio_compute(), asio::use_future).get());
}
BENCHMARK(future_wait_bide)->Name("future_wait/bide")->UseRealTime();
BENCHMARK(future_wait_asio)->Name("future_wait/asio")->UseRealTime();

// ---- post: plain code gives pieces of work to a worker that is awake; per piece, on the side of whoever gives

bide::task<> stay_awake(const std::atomic<bool>& over) {
    while (!over.load(std::memory_order_relaxed)) co_await bide::yield_now();
}
constexpr int batch = 512;

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
void post_bide(benchmark::State& state) {
    std::atomic<bool> over{false};
    bide::pool p(1);
    const bide::future<> awake = p.submit(stay_awake, std::ref(over));
    std::vector<bide::future<int>> given;
    given.reserve(batch);
    while (state.KeepRunningBatch(batch)) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < batch; ++i) given.push_back(p.submit(answer));
        state.SetIterationTime(seconds_since(begin));
        for (const auto& f : given) benchmark::DoNotOptimize(f.wait());
        given.clear();
    }
    over.store(true, std::memory_order_relaxed);
    awake.wait();
}
void post_asio(benchmark::State& state) {
    std::atomic<bool> over{false};
    std::function<void()> stay_awake;
    asio_thread thread;  // ends before what it uses
    stay_awake = [&] {
        if (!over.load(std::memory_order_relaxed)) asio::post(thread.context, stay_awake);
    };
    asio::post(thread.context, stay_awake);
    std::vector<std::future<int>> given;
    given.reserve(batch);
    while (state.KeepRunningBatch(batch)) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < batch; ++i)
            given.push_back(asio::co_spawn(thread.context, asio_compute(), asio::use_future));
        state.SetIterationTime(seconds_since(begin));
        for (auto& f : given) benchmark::DoNotOptimize(f.get());
        given.clear();
    }
    over.store(true, std::memory_order_relaxed);
}
BENCHMARK(post_bide)->Name("post/bide")->UseManualTime();
BENCHMARK(post_asio)->Name("post/asio")->UseManualTime();

}  // namespace
