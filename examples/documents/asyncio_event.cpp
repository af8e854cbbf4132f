// SPDX-License-Identifier: BSL-1.0
//
// The asyncio tutorial, Event: five tasks wait for one event, then for a random time each.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <random>

using namespace std::chrono_literals;

bide::task<> worker(bide::event& begin, std::minstd_rand& random, int number) {
    co_await begin;
    const auto value = std::chrono::milliseconds(random() % 1000);
    co_await bide::sleep_for(value);
    std::cout << "Task " << number << " got " << value.count() << " ms\n";
}

bide::task<> run() {
    bide::event begin;
    std::minstd_rand random(1);  // the same numbers every time
    co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {
        for (int i = 0; i < 5; ++i) s.start(worker, std::ref(begin), std::ref(random), i);

        std::cout << "Main blocking...\n";
        co_await bide::yield_now();  // the tasks begin
        std::cout << "Main setting the event\n";
        begin.set();
    });
}

int main() {
    const bide::testing::virtual_time time;
    run().wait();
}
