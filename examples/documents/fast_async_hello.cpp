// SPDX-License-Identifier: BSL-1.0
//
// fast-async, @make_async: a blocking function that runs on a thread when it is called; the caller gets a future.
#include <bide/bide.hpp>

#include <iostream>
#include <string>

std::string hello(std::string message) {
    std::cout << "hello world\n";
    return message;
}

int main() {
    auto hello_async = bide::make_async(hello);

    const std::string result = hello_async("hello world").wait();
    std::cout << result << '\n';
}
