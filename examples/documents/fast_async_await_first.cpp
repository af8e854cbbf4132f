// SPDX-License-Identifier: BSL-1.0
//
// fast-async, await_first: the first that succeeds. The second function blocks for longer than the first, here: until
// the first one's result has been printed.
#include <bide/bide.hpp>

#include <iostream>
#include <latch>

int main() {
    std::latch printed{1};
    auto func1 = bide::make_async([] { return 1; });
    auto func2 = bide::make_async([&] {
        printed.wait();
        return 2;
    });

    auto slow = func2();
    std::cout << bide::first_success(func1(), slow).wait() << '\n';

    printed.count_down();
    slow.wait();  // a future is only looked at, never stopped: its job goes on, and refers to `printed`
}
