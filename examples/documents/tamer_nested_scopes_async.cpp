// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, a scope within a scope, in a coroutine: the same words, and the bodies are tasks.
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

bide::task<> slow_bulk_echo() {
    co_await bide::with_scope([](bide::scope& outer) -> bide::task<> {
        outer.start(slow_echo, "Outer Scope > DELAY(1.5)", 1500ms);
        outer.start(slow_echo, "Outer Scope > DELAY(1)", 1000ms);

        co_await bide::with_scope([](bide::scope& inner) -> bide::task<> {
            inner.start(slow_echo, "Outer Scope > Inner Scope > DELAY(2)", 2000ms);
            inner.start(slow_echo, "Outer Scope > Inner Scope > DELAY(1)", 1000ms);
            co_return;
        });  // here the inner tasks have ended

        outer.start(slow_echo, "Outer Scope > DELAY(.5)", 500ms);
    });
}

int main() {
    const bide::testing::virtual_time time;
    slow_bulk_echo().wait();
}
