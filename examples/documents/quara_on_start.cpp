// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 5: a task that is started with the loop, and cancelled when it is stopped.
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
    const farewell at_the_end;  // a cancelled task unwinds: destructors run, no exception is to be caught
    for (;;) {
        (co_await orders.acquire()).disown();  // after two rounds it waits for more, until it is cancelled
        std::cout << "Doing some work\n";
        worked.release();
    }
}

int main() {
    bide::loop_thread thread;
    thread.on_start(some_task);
    thread.start();
    worked.acquire();
    worked.acquire();  // it has done some work, twice
    thread.shutdown();
}
