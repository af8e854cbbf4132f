// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, "Exception Management": an exception arrives, with its own type, where somebody waits.
#include <bide/bide.hpp>

#include <iostream>
#include <stdexcept>

bide::task<> faulty_function() {
    throw std::runtime_error("Oh no!");
    co_return;
}

bide::task<> in_a_coroutine() {
    try {
        co_await faulty_function();
    } catch (const std::runtime_error&) {
        std::cout << "Actually, I'm good.\n";
    }
}

int main() {
    in_a_coroutine().wait();

    try {
        faulty_function().wait();
    } catch (const std::runtime_error&) {
        std::cout << "Actually, I'm good.\n";
    }

    bide::with_scope([](bide::scope& s) {
        auto late = s.start(faulty_function);
        try {
            late.wait();
        } catch (const std::runtime_error&) {
            std::cout << "Actually, I'm good.\n";
        }
    });  // the failure was seen: it is not thrown again
}
