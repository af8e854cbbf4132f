// SPDX-License-Identifier: BSL-1.0
//
// quara-concurrency 1: a loop_thread is made. No thread has been started, and nothing can be submitted yet.
#include <bide/bide.hpp>

#include <iostream>

bide::task<int> answer() { co_return 42; }

int main() {
    bide::loop_thread thread;
    try {
        thread.submit(answer);
    } catch (const bide::not_running&) {
        std::cout << "not running\n";
    }
}  // never started: there is nothing to stop
