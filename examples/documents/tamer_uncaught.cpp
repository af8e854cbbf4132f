// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, a failure that nobody waits for: the end of the scope throws it, so none is left behind.
#include <bide/bide.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>

bide::task<> faulty_function() {
    throw std::runtime_error("Oh no!");
    co_return;
}

int main() {
    try {
        bide::with_scope([](bide::scope& s) { s.start(faulty_function); });
    } catch (const std::exception& error) {  // without this, the program would end by std::terminate
        std::cout << "RuntimeError: " << error.what() << '\n';
    }
}
