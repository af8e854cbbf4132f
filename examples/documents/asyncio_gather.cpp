// SPDX-License-Identifier: BSL-1.0
//
// The asyncio tutorial, gather: two requests at once, their results in order.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

bide::task<std::string> fetch_data(std::string name) {
    co_await bide::sleep_for(1s);  // stands for input and output
    co_return "Data fetched for " + name;
}

bide::task<> run() {
    std::vector<bide::task<std::string>> tasks;
    tasks.push_back(fetch_data("Task 1"));
    tasks.push_back(fetch_data("Task 2"));

    const auto results = co_await bide::when_all(std::move(tasks));
    for (const auto& result : results) std::cout << result << '\n';
}

int main() {
    const bide::testing::virtual_time time;
    run().wait();
    std::cout << std::chrono::floor<std::chrono::seconds>(time.elapsed()).count() << " s\n";
}
