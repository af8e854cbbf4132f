// SPDX-License-Identifier: BSL-1.0
//
// fast-async, the benchmark: a slow request and a long computation. Together they take as long as the longer of the
// two, because the request waits on the loop while the computation runs on a thread. No clock is needed to see that:
// here the answer comes only while somebody computes, and the computation goes on until the answer is there. One after
// the other they would never end.
#include <bide/bide.hpp>

#include <atomic>
#include <functional>
#include <iostream>

struct world {
    bide::event computing;
    std::atomic<bool> answered{false};
};

bide::task<int> request(world& w) {
    co_await w.computing;  // stands for the network
    w.answered = true;
    co_return 200;
}

long long compute(world& w) {  // keeps a processor busy
    w.computing.set();
    long long steps = 1;
    while (!w.answered) ++steps;
    return steps;
}

int main() {
    world w;
    const auto [status, steps] = bide::when_all(request(w), bide::to_thread(compute, std::ref(w))).wait();
    std::cout << "status " << status << ", computed " << (steps > 0 ? "something" : "nothing") << '\n';
    std::cout << "at the same time: " << (w.answered ? "yes" : "no") << '\n';
}
