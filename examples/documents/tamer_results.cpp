// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, "Returning Results": the result comes out of co_await, of wait(), and of a scope's future.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

using answer = std::pair<int, std::string>;

bide::task<answer> slow_io() {
    co_await bide::sleep_for(100ms);
    co_return answer(200, "Time to be awesome!");
}

void print(const answer& a) { std::cout << "Status " << a.first << ": `" << a.second << "`\n"; }

bide::task<> in_a_coroutine() {
    bide::task<answer> cold = slow_io();  // nothing runs yet
    print(co_await std::move(cold));
}

int main() {
    const bide::testing::virtual_time time;

    in_a_coroutine().wait();

    print(slow_io().wait());  // plain code

    bide::future<answer> late;
    bide::with_scope([&](bide::scope& s) { late = s.start(slow_io); });
    print(late.value());  // the result outlives its scope
}
