// SPDX-License-Identifier: BSL-1.0
//
// fast-async, the benchmark: a slow request and a long computation. Together they take as long as the longer of the
// two, because the request waits on the loop while the computation runs on a thread.
#include <bide/bide.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

bide::task<int> request() {
    co_await bide::sleep_for(250ms);  // stands for the network
    co_return 200;
}

long long compute() {  // keeps a processor busy for about as long
    const auto until = clock_type::now() + 250ms;
    long long steps = 0;
    while (clock_type::now() < until) ++steps;
    return steps;
}

template <class F>
clock_type::duration measure(F f) {
    const auto begin = clock_type::now();
    f();
    return clock_type::now() - begin;
}

int main() {
    const auto one_after_the_other = measure([] {
        request().wait();
        compute();
    });
    const auto together = measure([] {
        const auto [status, steps] = bide::when_all(request(), bide::to_thread(compute)).wait();
        std::cout << "status " << status << ", computed " << (steps > 0 ? "something" : "nothing") << '\n';
    });
    std::cout << "together is faster: " << (together < one_after_the_other ? "yes" : "no") << '\n';
}
