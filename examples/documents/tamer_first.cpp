// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, the first example: a function that waits, called from plain code and started in a scope.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

bide::task<> slow_echo(std::string message, std::chrono::milliseconds delay) {
    co_await bide::sleep_for(delay);
    std::cout << message << '\n';
}

int main() {
    const bide::testing::virtual_time time;  // the delays below take no real time

    slow_echo("sync > DELAY(.5)", 500ms).wait();

    bide::with_scope([](bide::scope& s) {
        s.start(slow_echo, "scope > DELAY(.2)", 200ms);
        s.start(slow_echo, "scope > DELAY(.1)", 100ms);
    });  // here both have ended
}
