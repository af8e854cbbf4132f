// SPDX-License-Identifier: BSL-1.0
//
// The asyncio tutorial, to_thread: a blocking call runs on a thread, and the loop's other tasks go on meanwhile. Here
// the call blocks until the background task has been at work four times.
#include <bide/bide.hpp>

#include <functional>
#include <iostream>
#include <semaphore>

struct signals {
    bide::semaphore orders{0};            // what the background task is to do
    std::counting_semaphore<> worked{0};  // what it has done
};

void blocking_task(signals& all) {
    std::cout << "task is running" << std::endl;
    for (int i = 0; i < 4; ++i) {
        all.orders.release();
        all.worked.acquire();  // blocks this thread; the loop goes on
    }
    std::cout << "task is done" << std::endl;
}

bide::task<> background(signals& all) {
    for (;;) {
        (co_await all.orders.acquire()).disown();
        std::cout << ">background task running" << std::endl;
        all.worked.release();
    }
}

bide::task<> run() {
    signals all;
    co_await bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) -> bide::task<> {
        s.start(background, std::ref(all));
        co_await bide::to_thread(blocking_task, std::ref(all));
    });  // here the background task has been cancelled
}

int main() { run().wait(); }
