// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, a scope within a scope, in plain code: the end of the inner one lets the outer one's tasks go on, and
// what follows it starts after it.
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
    const bide::testing::virtual_time time;

    bide::with_scope([](bide::scope& outer) {
        outer.start(slow_echo, "Outer Scope > DELAY(1.5)", 1500ms);
        outer.start(slow_echo, "Outer Scope > DELAY(1)", 1000ms);

        bide::with_scope([](bide::scope& inner) {
            inner.start(slow_echo, "Outer Scope > Inner Scope > DELAY(2)", 2000ms);
            inner.start(slow_echo, "Outer Scope > Inner Scope > DELAY(1)", 1000ms);
        });  // here the inner tasks have ended

        outer.start(slow_echo, "Outer Scope > DELAY(.5)", 500ms);
    });
}
