// SPDX-License-Identifier: BSL-1.0
//
// a_sync, to_blocking: a function that returns a task becomes one that blocks; one that blocks already stays what it
// is.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;

bide::task<int> slow_square(int n) {
    co_await bide::sleep_for(1s);
    co_return n* n;
}

int square(int n) { return n * n; }

int main() {
    const bide::testing::virtual_time time;

    // A standard algorithm knows nothing of tasks.
    std::vector<int> numbers{1, 2, 3};
    std::transform(numbers.begin(), numbers.end(), numbers.begin(), bide::to_blocking(slow_square));
    std::transform(numbers.begin(), numbers.end(), numbers.begin(), bide::to_blocking(square));

    for (const int n : numbers) std::cout << n << '\n';
    std::cout << std::chrono::floor<std::chrono::seconds>(time.elapsed()).count() << " s\n";
}
