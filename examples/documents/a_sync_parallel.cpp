// SPDX-License-Identifier: BSL-1.0
//
// a_sync, Parallel: blocking and awaitable functions, mixed; all at once; results in the order of adding; as often as
// wanted, blocking or awaited.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <tuple>

using namespace std::chrono_literals;

bide::task<std::string> slow(std::string name, std::chrono::seconds delay) {
    co_await bide::sleep_for(delay);
    co_return name;
}

int blocking(int n) { return n * 2; }

template <class Results>
void print(const Results& results) {
    std::apply([](const auto&... each) { ((std::cout << each << ' '), ...); }, results);
    std::cout << '\n';
}

bide::task<> show() {
    auto both = bide::parallel().add(slow, "awaited", 2s).add(blocking, 5);
    print(co_await both.run());
}

int main() {
    const bide::testing::virtual_time time;

    auto three = bide::parallel().add(slow, "slow", 3s).add(blocking, 21).add(slow, "quick", 1s);
    print(three.wait());
    print(three.wait());  // again
    show().wait();

    std::cout << std::chrono::floor<std::chrono::seconds>(time.elapsed()).count() << " s\n";
}
