// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency, the trivial example: sleep for a second, from plain code, without any set-up.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

bide::task<> in_a_coroutine() { co_await bide::sleep_for(1s); }

int main() {
    const bide::testing::virtual_time time;

    in_a_coroutine().wait();
    bide::sleep_for(1s).wait();  // without a function around it

    std::cout << std::chrono::floor<std::chrono::seconds>(time.elapsed()).count() << " s\n";
}
