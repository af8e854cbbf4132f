// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, one function in three contexts: awaited by a coroutine, called from plain code, started in a scope.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

bide::task<> slow_echo(std::string message, std::chrono::milliseconds delay) {
    co_await bide::sleep_for(delay);
    std::cout << message << '\n';
}

bide::task<> in_a_coroutine() {
    auto first = slow_echo("async > DELAY(1)", 1000ms);
    auto second = slow_echo("async > DELAY(.1)", 100ms);
    auto third = slow_echo("async > DELAY(.5)", 500ms);

    co_await std::move(second);
    co_await bide::when_all(std::move(first), std::move(third));
}

void in_plain_code() {
    slow_echo("sync > DELAY(1)", 1000ms).wait();
    slow_echo("sync > DELAY(.1)", 100ms).wait();
    slow_echo("sync > DELAY(.5)", 500ms).wait();
}

void in_a_scope() {
    bide::with_scope([](bide::scope& s) {
        s.start(slow_echo, "scope > DELAY(1)", 1000ms);
        s.start(slow_echo, "scope > DELAY(.1)", 100ms);
        s.start(slow_echo, "scope > DELAY(.5)", 500ms);
    });
}

int main() {
    const bide::testing::virtual_time time;
    in_a_coroutine().wait();
    in_plain_code();
    in_a_scope();
}
