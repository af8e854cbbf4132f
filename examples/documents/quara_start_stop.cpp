// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 2: started and stopped by hand. start() returns when work is accepted.
#include <bide/bide.hpp>

#include <iostream>

bide::task<int> answer() { co_return 42; }

int main() {
    bide::loop_thread thread;
    thread.start();
    std::cout << thread.submit(answer).wait() << '\n';
    thread.shutdown();
    thread.shutdown();  // twice is harmless

    try {
        thread.submit(answer);
    } catch (const bide::not_running&) {
        std::cout << "stopped\n";
    }
}
