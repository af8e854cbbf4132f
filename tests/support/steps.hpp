// SPDX-License-Identifier: BSL-1.0
//
// What happened, in order: objects and tasks that write a word into a log when they end.
//
//     support::log_of log;
//     with_scope([&](scope& s) {
//         const support::says local(log, "local");
//         s.start(support::says_after, std::ref(log), 1s, "task");
//     });
//     EXPECT_EQ(log, (support::log_of{"local", "task"}));
//
// Thread rule: one thread. The log outlives what writes into it.
#pragma once

#include <bide/task.hpp>
#include <bide/time.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

using log_of = std::vector<std::string>;

/// Says it when it is destroyed.
struct says {
    log_of& log;
    std::string what;
    says(log_of& l, std::string w) : log(l), what(std::move(w)) {}
    says(const says&) = delete;
    says& operator=(const says&) = delete;
    ~says() { log.push_back(what); }
};
/// The same with the destructor's mark before its name: "~name".
struct traced : says {
    traced(log_of& l, const std::string& name) : says(l, "~" + name) {}
};
inline bide::task<> says_after(log_of& log, std::chrono::seconds d, std::string what) {
    co_await bide::sleep_for(d);
    log.push_back(std::move(what));
}
inline bide::task<> fails_after(std::chrono::seconds d, std::string what) {
    co_await bide::sleep_for(d);
    throw std::runtime_error(what);
}

}  // namespace support
