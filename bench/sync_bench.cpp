// SPDX-License-Identifier: BSL-1.0
//
// Mutexes on one loop. Asio has no mutex for coroutines: its users take a channel with room for one.
#include <bide/bide.hpp>
#include <bide/sync/mutex.hpp>

#include "asio.hpp"

#include <benchmark/benchmark.h>

namespace {

using boost::system::error_code;

template <class Channel>
asio::awaitable<void> lock(Channel& c) {
    return c.async_send(error_code(), 0, asio::use_awaitable);
}
template <class Channel>
void unlock(Channel& c) {
    c.try_receive([](error_code, int) {});
}

// ---- mutex_free: lock and unlock, nobody else wants it

template <class Mutex>
bide::task<> mutex_free_loop(benchmark::State& state) {
    Mutex m;
    for (auto _ : state) auto guard = co_await m.lock();
}
template <class Mutex>
void mutex_free_bide(benchmark::State& state) {
    mutex_free_loop<Mutex>(state).wait();
}
template <class Channel>
asio::awaitable<void> asio_mutex_free_loop(benchmark::State& state) {
    Channel c(co_await asio::this_coro::executor, 1);
    for (auto _ : state) {
        co_await lock(c);
        unlock(c);
    }
}
template <class Channel>
void mutex_free_asio(benchmark::State& state) {
    asio::io_context context(1);
    asio::co_spawn(context, asio_mutex_free_loop<Channel>(state), asio::detached);
    context.run();
}
BENCHMARK(mutex_free_bide<bide::mutex>)->Name("mutex_free/bide");
BENCHMARK(mutex_free_asio<asio_concurrent_channel>)->Name("mutex_free/asio");
BENCHMARK(mutex_free_bide<bide::local_mutex>)->Name("mutex_free_local/bide");
BENCHMARK(mutex_free_asio<asio_channel>)->Name("mutex_free_local/asio");

// ---- mutex_handed: two tasks, each: lock, yield, unlock; per lock

bide::task<> handed_loop(benchmark::State& state, bide::mutex& m, bool& over) {
    while (state.KeepRunningBatch(2)) {
        auto guard = co_await m.lock();
        co_await bide::yield_now();
    }
    over = true;
}
bide::task<> handed_until(bide::mutex& m, const bool& over) {
    while (!over) {
        auto guard = co_await m.lock();
        co_await bide::yield_now();
    }
}
asio::awaitable<void> asio_handed_loop(benchmark::State& state, asio_concurrent_channel& c, bool& over) {
    while (state.KeepRunningBatch(2)) {
        co_await lock(c);
        co_await asio::post(asio::use_awaitable);
        unlock(c);
    }
    over = true;
}
asio::awaitable<void> asio_handed_until(asio_concurrent_channel& c, const bool& over) {
    while (!over) {
        co_await lock(c);
        co_await asio::post(asio::use_awaitable);
        unlock(c);
    }
}
void mutex_handed_bide(benchmark::State& state) {
    bide::mutex m;
    bool over = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&] { return handed_loop(state, m, over); });
        s.start([&] { return handed_until(m, over); });
    });
}
void mutex_handed_asio(benchmark::State& state) {
    asio::io_context context(1);
    asio_concurrent_channel c(context, 1);
    bool over = false;
    asio::co_spawn(context, asio_handed_loop(state, c, over), asio::detached);
    asio::co_spawn(context, asio_handed_until(c, over), asio::detached);
    context.run();
}
BENCHMARK(mutex_handed_bide)->Name("mutex_handed/bide");
BENCHMARK(mutex_handed_asio)->Name("mutex_handed/asio");

}  // namespace
