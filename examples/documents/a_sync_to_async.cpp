// SPDX-License-Identifier: BSL-1.0
//
// a_sync, to_async: a blocking function becomes one that can be awaited (it runs on a thread meanwhile); one that can
// be awaited already stays what it is, also behind bind_front.
#include <bide/bide.hpp>

#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <type_traits>

std::string blocking(std::string name, std::thread::id caller) {
    return name + (std::this_thread::get_id() == caller ? " on the caller's thread" : " on another thread");
}

bide::task<std::string> awaitable(std::string name, std::thread::id caller) { co_return blocking(name, caller); }

bide::task<> show() {
    const auto here = std::this_thread::get_id();

    auto converted = bide::to_async(blocking);
    std::cout << co_await converted("blocking:", here) << '\n';

    auto unchanged = bide::to_async(awaitable);
    std::cout << co_await unchanged("awaitable:", here) << '\n';

    auto partial = bide::to_async(std::bind_front(awaitable, "partial:"));
    std::cout << co_await partial(here) << '\n';
}

int main() { show().wait(); }
