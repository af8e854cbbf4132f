// SPDX-License-Identifier: BSL-1.0
//
// a_sync, queue_background_thread: start a blocking function on a thread, go on, and ask for its result later.
#include <bide/bide.hpp>

#include <iostream>
#include <latch>

int main() {
    std::latch go_on{1};
    auto queued = bide::to_thread(
        [&](int n) {
            go_on.wait();
            return n * 2;
        },
        21);

    std::cout << (queued.status() == bide::future_status::pending ? "queued" : "ended") << '\n';
    go_on.count_down();
    std::cout << queued.wait() << '\n';
}
