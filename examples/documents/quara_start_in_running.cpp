// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 5, the second of that number: the same task, submitted to a loop that runs already.
#include <bide/bide.hpp>

#include <iostream>
#include <semaphore>

bide::semaphore orders{2};  // there is work for two rounds
std::counting_semaphore<> worked{0};

struct farewell {
    farewell() = default;
    ~farewell() { std::cout << "Bye bye\n"; }
};

bide::task<> some_task() {
    const farewell at_the_end;
    for (;;) {
        (co_await orders.acquire()).disown();  // after two rounds it waits for more, until it is cancelled
        std::cout << "Doing some work\n";
        worked.release();
    }
}

int main() {
    bide::loop_thread thread;
    thread.start();
    thread.submit(some_task());
    worked.acquire();
    worked.acquire();
}
