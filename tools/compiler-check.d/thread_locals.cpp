// SPDX-License-Identifier: BSL-1.0
// class: a thread-local variable on both sides of a suspension, resumed on another thread
// remedy: reach thread-locals through a function that is not inlined
#include "check.hpp"

#include <thread>

static thread_local int mine = 0;
static const int* before;
static const int* after;
static task<> moves() {
    before = &mine;
    co_await park();
    after = &mine;
}
PLAIN_CASE(its_address) {
    task<> t = moves();
    t.get().resume();
    const int* there = nullptr;
    std::thread([&] {
        there = &mine;
        std::exchange(parked, {}).resume();
    }).join();
    expect(before == &mine && after == there);
}
static task<> reads(int& seen) {
    mine = 1;
    co_await park();
    seen = mine;
}
PLAIN_CASE(its_value) {
    int seen = -1;
    task<> t = reads(seen);
    t.get().resume();
    std::thread([&] {
        mine = 2;
        std::exchange(parked, {}).resume();
    }).join();
    expect(seen == 2);
}
