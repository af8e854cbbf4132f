// SPDX-License-Identifier: BSL-1.0
//
// fast-async, await_all: the results of several, in the order in which they were named.
#include <bide/bide.hpp>

#include <iostream>

int main() {
    auto func1 = bide::make_async([] { return 1; });
    auto func2 = bide::make_async([] { return 2; });

    const auto [one, two] = bide::when_all(func1(), func2()).wait();
    std::cout << '[' << one << ", " << two << "]\n";
}
