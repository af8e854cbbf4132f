// SPDX-License-Identifier: BSL-1.0
//
// The asyncio tutorial, to_thread: a blocking call runs on a thread, and the loop's other tasks go on meanwhile. Here
// the call blocks until the background task has been seen at work four times.
#include <bide/bide.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <semaphore>

using namespace std::chrono_literals;

struct signals {
    bide::event blocking;                 // the call blocks its thread
    std::counting_semaphore<> worked{0};  // how often the background task has run
};

void blocking_task(signals& all) {
    std::cout << "task is running" << std::endl;
    all.blocking.set();
    for (int i = 0; i < 4; ++i) all.worked.acquire();
    std::cout << "task is done" << std::endl;
}

bide::task<> background(signals& all) {
    co_await all.blocking;
    for (;;) {
        std::cout << ">background task running" << std::endl;
        all.worked.release();
        co_await bide::sleep_for(500ms);
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
