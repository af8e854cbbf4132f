// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 3: the end of the object's life stops the loop and joins its thread.
#include <bide/bide.hpp>

#include <chrono>
#include <functional>
#include <iostream>

struct farewell {
    farewell() = default;
    ~farewell() { std::cout << "cancelled\n"; }
};

bide::task<> wait_for_ever(bide::event& begun) {
    const farewell at_the_end;
    begun.set();
    co_await bide::sleep_for(std::chrono::hours::max());
}

int main() {
    bide::event begun;
    {
        bide::loop_thread thread;
        thread.start();
        thread.submit(wait_for_ever, std::ref(begun));
        begun.wait();
        std::cout << "started\n";
    }  // here the thread has ended, and so have its tasks
    std::cout << "stopped\n";
}
