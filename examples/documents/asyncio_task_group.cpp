// SPDX-License-Identifier: BSL-1.0
//
// The asyncio tutorial, TaskGroup: what is started in a scope has ended at its end, and its results are there. When one
// task fails, the others are cancelled, and the failure is thrown at the end.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

bide::task<std::string> fetch_data(std::string name) {
    co_await bide::sleep_for(1s);
    co_return "Data fetched for " + name;
}

bide::task<std::string> fail() {
    co_await bide::yield_now();
    throw std::runtime_error("one task failed");
}

bide::task<> run() {
    std::vector<bide::future<std::string>> tasks;
    co_await bide::with_scope([&](bide::scope& group) -> bide::task<> {
        tasks.push_back(group.start(fetch_data, "Task 1"));
        tasks.push_back(group.start(fetch_data, "Task 2"));
        co_return;
    });
    for (const auto& task : tasks) {
        if (!task.value().empty()) std::cout << "Received results\n";
    }

    bide::future<std::string> other;
    try {
        co_await bide::with_scope([&](bide::scope& group) -> bide::task<> {
            other = group.start(fetch_data, "Task 3");
            group.start(fail);
            co_return;
        });
    } catch (const std::runtime_error& error) {
        std::cout << error.what() << ", the other was "
                  << (other.status() == bide::future_status::cancelled ? "cancelled" : "not cancelled") << '\n';
    }
}

int main() {
    const bide::testing::virtual_time time;
    run().wait();
}
