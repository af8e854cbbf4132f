// SPDX-License-Identifier: BSL-1.0
//
// The asyncio tutorial, Lock: five tasks, one at a time in the critical section, although it waits in its middle.
#include <bide/bide.hpp>

#include <iostream>
#include <utility>
#include <vector>

struct shared {
    bide::mutex lock;
    int resource = 0;
};

bide::task<> modify(shared& all) {
    auto held = co_await all.lock.lock();
    std::cout << "Resource before modification: " << all.resource << '\n';
    const int before = all.resource;
    co_await bide::yield_now();  // the others run, and wait for the lock
    all.resource = before + 1;
    std::cout << "Resource after modification: " << all.resource << '\n';
}  // unlocked here

int main() {
    shared all;
    std::vector<bide::task<>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(modify(all));
    bide::when_all(std::move(tasks)).wait();
}
