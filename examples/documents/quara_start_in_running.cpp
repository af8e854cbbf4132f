// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 5, the second of that number: the same task, submitted to a loop that runs already.
#include <bide/bide.hpp>

#include <chrono>
#include <iostream>
#include <semaphore>

using namespace std::chrono_literals;

std::counting_semaphore<> worked{0};

struct farewell {
    farewell() = default;
    ~farewell() { std::cout << "Bye bye\n"; }
};

bide::task<> some_task() {
    const farewell at_the_end;
    for (;;) {
        std::cout << "Doing some work\n";
        worked.release();
        co_await bide::sleep_for(500ms);
    }
}

int main() {
    bide::loop_thread thread;
    thread.start();
    thread.submit(some_task());
    worked.acquire();
    worked.acquire();
}
