// expect: bide: a task is awaited once: write co_await std::move(t)
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

bide::task<int> work() { co_return 1; }
bide::task<int> caller() {
    auto t = work();
    co_return co_await t;
}
