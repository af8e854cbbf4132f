// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 4: a coroutine runs on the loop's thread; the future brings its result back here.
#include <bide/bide.hpp>

#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

bide::task<std::thread::id> where_it_runs() {
    co_await bide::sleep_for(1ms);
    co_return std::this_thread::get_id();
}

int main() {
    bide::loop_thread thread;
    thread.start();

    auto future = thread.submit(where_it_runs);
    const auto id = future.wait();
    std::cout << (id == std::this_thread::get_id() ? "on this thread" : "on the loop's thread") << '\n';
}
