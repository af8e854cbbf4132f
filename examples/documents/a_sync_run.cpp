// SPDX-License-Identifier: BSL-1.0
//
// a_sync, run: await any function, whether it returns a task or blocks. Its own exception comes through.
#include <bide/bide.hpp>

#include <iostream>
#include <stdexcept>

bide::task<int> awaitable(int n) {
    co_await bide::yield_now();
    co_return n + 1;
}

int blocking(int n) { return n + 2; }

int failing() { throw std::runtime_error("its own exception"); }

bide::task<> show() {
    std::cout << co_await bide::run(awaitable, 1) << '\n';  // here
    std::cout << co_await bide::run(blocking, 1) << '\n';   // on a thread
    try {
        co_await bide::run(failing);
    } catch (const std::runtime_error& error) {
        std::cout << error.what() << '\n';
    }
}

int main() { show().wait(); }
