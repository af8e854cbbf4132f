// SPDX-License-Identifier: BSL-1.0
//
// Boost.Asio as the rows use it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/error_code.hpp>

#include <thread>

namespace asio = boost::asio;

using asio_channel = asio::experimental::channel<void(boost::system::error_code, int)>;
using asio_concurrent_channel = asio::experimental::concurrent_channel<void(boost::system::error_code, int)>;

/// An io_context with a thread of its own.
class asio_thread {
public:
    asio_thread() : work_(asio::make_work_guard(context)), thread_([this] { context.run(); }) {}
    asio_thread(const asio_thread&) = delete;
    asio_thread& operator=(const asio_thread&) = delete;
    ~asio_thread() {
        work_.reset();
        thread_.join();
    }
    asio::io_context context;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::thread thread_;
};

/// Runs the coroutines that were spawned, on this thread, until they have ended.
inline void run_all(asio::io_context& context) {
    context.run();
    context.restart();
}
