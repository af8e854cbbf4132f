// SPDX-License-Identifier: BSL-1.0
//
// Channels: within one loop, there and back, and between two threads.
#include <bide/bide.hpp>
#include <bide/loop_thread.hpp>
#include <bide/sync/channel.hpp>

#include "asio.hpp"

#include <benchmark/benchmark.h>

namespace {

using boost::system::error_code;

// ---- channel_64: one task sends, one receives; per item

template <class Channel>
bide::task<> send_loop(benchmark::State& state, Channel& c) {
    for (auto _ : state) co_await c.send(1);
    c.close();
}
template <class Channel>
bide::task<> receive_all(Channel& c) {
    while (auto item = co_await c.receive()) benchmark::DoNotOptimize(*item);
}
template <class Channel>
asio::awaitable<void> asio_send_loop(benchmark::State& state, Channel& c) {
    for (auto _ : state) co_await c.async_send(error_code(), 1, asio::use_awaitable);
    co_await c.async_send(error_code(), -1, asio::use_awaitable);
}
template <class Channel>
asio::awaitable<void> asio_receive_all(Channel& c) {
    int item = 0;
    do {
        item = co_await c.async_receive(asio::use_awaitable);
        benchmark::DoNotOptimize(item);
    } while (item >= 0);
}
template <class Channel>
void channel_bide(benchmark::State& state) {
    Channel c(64);
    bide::with_scope([&](bide::scope& s) {
        s.start([&] { return send_loop(state, c); });
        s.start([&] { return receive_all(c); });
    });
}
template <class Channel>
void channel_asio(benchmark::State& state) {
    asio::io_context context(1);
    Channel c(context, 64);
    asio::co_spawn(context, asio_send_loop(state, c), asio::detached);
    asio::co_spawn(context, asio_receive_all(c), asio::detached);
    context.run();
}
BENCHMARK(channel_bide<bide::channel<int>>)->Name("channel_64/bide");
BENCHMARK(channel_asio<asio_concurrent_channel>)->Name("channel_64/asio");
BENCHMARK(channel_bide<bide::local_channel<int>>)->Name("channel_64_local/bide");
BENCHMARK(channel_asio<asio_channel>)->Name("channel_64_local/asio");

// ---- channel_1: there and back through two channels with room for one; per round

bide::task<> rounds(benchmark::State& state, bide::channel<int>& there, bide::channel<int>& back) {
    for (auto _ : state) {
        co_await there.send(1);
        auto item = co_await back.receive();
        benchmark::DoNotOptimize(*item);
    }
    there.close();
}
bide::task<> echo(bide::channel<int>& there, bide::channel<int>& back) {
    while (auto item = co_await there.receive()) co_await back.send(*item);
}
asio::awaitable<void> asio_rounds(benchmark::State& state, asio_concurrent_channel& there,
                                  asio_concurrent_channel& back) {
    for (auto _ : state) {
        co_await there.async_send(error_code(), 1, asio::use_awaitable);
        benchmark::DoNotOptimize(co_await back.async_receive(asio::use_awaitable));
    }
    co_await there.async_send(error_code(), -1, asio::use_awaitable);
}
asio::awaitable<void> asio_echo(asio_concurrent_channel& there, asio_concurrent_channel& back) {
    for (;;) {
        const int item = co_await there.async_receive(asio::use_awaitable);
        if (item < 0) co_return;
        co_await back.async_send(error_code(), item, asio::use_awaitable);
    }
}
void channel_1_bide(benchmark::State& state) {
    bide::channel<int> there(1);
    bide::channel<int> back(1);
    bide::with_scope([&](bide::scope& s) {
        s.start([&] { return rounds(state, there, back); });
        s.start([&] { return echo(there, back); });
    });
}
void channel_1_asio(benchmark::State& state) {
    asio::io_context context(1);
    asio_concurrent_channel there(context, 1);
    asio_concurrent_channel back(context, 1);
    asio::co_spawn(context, asio_rounds(state, there, back), asio::detached);
    asio::co_spawn(context, asio_echo(there, back), asio::detached);
    context.run();
}
BENCHMARK(channel_1_bide)->Name("channel_1/bide");
BENCHMARK(channel_1_asio)->Name("channel_1/asio");

// ---- channel_threads: 64 places, the sender on one thread, the receiver on another; per item

void channel_threads_bide(benchmark::State& state) {
    bide::channel<int> c(64);
    bide::loop_thread thread;
    thread.start();
    auto receiver = thread.submit([&] { return receive_all(c); });
    send_loop(state, c).wait();
    receiver.wait();
    thread.shutdown();
}
void channel_threads_asio(benchmark::State& state) {
    asio_thread thread;
    asio_concurrent_channel c(thread.context, 64);
    auto receiver = asio::co_spawn(thread.context, asio_receive_all(c), asio::use_future);
    asio::io_context context(1);
    asio::co_spawn(context, asio_send_loop(state, c), asio::detached);
    context.run();
    receiver.get();
}
BENCHMARK(channel_threads_bide)->Name("channel_threads/bide")->UseRealTime();
BENCHMARK(channel_threads_asio)->Name("channel_threads/asio")->UseRealTime();

}  // namespace
