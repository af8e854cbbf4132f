// SPDX-License-Identifier: BSL-1.0
//
// a_sync, block: call any function from plain code, whether it returns a task or blocks. Both run on this thread.
#include <bide/bide.hpp>

#include <iostream>
#include <thread>

bide::task<bool> awaitable(std::thread::id caller) {
    co_await bide::yield_now();
    co_return std::this_thread::get_id() == caller;
}

bool blocking(std::thread::id caller) { return std::this_thread::get_id() == caller; }

int main() {
    const auto here = std::this_thread::get_id();
    std::cout << std::boolalpha << bide::block(awaitable, here) << ' ' << bide::block(blocking, here) << '\n';
}
