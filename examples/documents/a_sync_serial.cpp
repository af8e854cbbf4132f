// SPDX-License-Identifier: BSL-1.0
//
// a_sync, Serial: the same mix, one after the other. An error ends the row: what comes later does not start.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

using namespace std::chrono_literals;

bide::task<std::string> slow(std::string name, std::chrono::seconds delay) {
    co_await bide::sleep_for(delay);
    std::cout << name << '\n';
    co_return name;
}

int blocking(int n) {
    std::cout << n << '\n';
    return n;
}

int failing() { throw std::runtime_error("no third step"); }

int main() {
    const bide::testing::virtual_time time;

    const auto results = bide::serial().add(slow, "slow", 3s).add(blocking, 42).add(slow, "quick", 1s).wait();
    static_assert(std::tuple_size_v<std::remove_const_t<decltype(results)>> == 3);
    std::cout << std::chrono::floor<std::chrono::seconds>(time.elapsed()).count() << " s\n";

    try {
        bide::serial().add(blocking, 1).add(failing).add(blocking, 3).wait();
    } catch (const std::runtime_error& error) {
        std::cout << error.what() << '\n';
    }
}
