// SPDX-License-Identifier: BSL-1.0
//
// Events between threads, and what of this process can be counted. Nothing here sleeps to let something happen; where
// only the kernel knows that it has happened (a thread has left), it is looked for until it is so.
#pragma once

#include "sanitizer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace support {

/// Closed until it is opened, then for ever open. Blocks outside bide.
class gate {
public:
    void open() {
        const std::lock_guard guard(m_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock guard(m_);
        changed_.wait(guard, [this] { return open_; });
    }

private:
    std::mutex m_;
    std::condition_variable changed_;
    bool open_ = false;
};

/// How many have arrived.
class arrivals {
public:
    void arrive() {
        const std::lock_guard guard(m_);
        ++n_;
        changed_.notify_all();
    }
    void await(int n) {
        std::unique_lock guard(m_);
        changed_.wait(guard, [this, n] { return n_ >= n; });
    }
    [[nodiscard]] int count() const {
        const std::lock_guard guard(m_);
        return n_;
    }

private:
    mutable std::mutex m_;
    std::condition_variable changed_;
    int n_ = 0;
};

/// Opens when it goes: nobody is left behind it when a check fails.
class opens {
public:
    explicit opens(gate& g) : gate_(g) {}
    opens(const opens&) = delete;
    opens& operator=(const opens&) = delete;
    ~opens() { gate_.open(); }

private:
    gate& gate_;
};

template <class Condition>
[[nodiscard]] bool comes_true(const Condition& condition, std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

inline long entries(const char* directory) {
    return static_cast<long>(
        std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}
/// Without the kernel's workers for an io_uring, which come and go as the kernel likes.
inline long threads_of_process() {
    long n = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::getline(std::ifstream(entry.path() / "comm"), name);
        if (!name.starts_with("iou-")) ++n;
    }
    return n;
}
/// A thread that was joined may stand in /proc for a moment yet.
[[nodiscard]] inline bool threads_become(long n) {
    return comes_true([n] { return threads_of_process() == n; });
}

/// The kernel's numbers of threads of this process, without its own workers for an io_uring.
using thread_ids = std::set<std::string>;
inline thread_ids threads_now() {
    thread_ids ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::getline(std::ifstream(entry.path() / "comm"), name);
        if (!name.starts_with("iou-")) ids.insert(entry.path().filename());
    }
    return ids;
}
/// The threads that have been started since `before` was taken, and live.
inline thread_ids threads_since(const thread_ids& before) {
    thread_ids ids = threads_now();
    for (const auto& id : before) ids.erase(id);
    return ids;
}

/// What the kernel counts of threads. It counts what was done and not what passed: a busy machine does not change it.
struct thread_activity {
    std::chrono::nanoseconds used{};  ///< on a processor
    long runs = 0;                    ///< how often one of them was put on a processor
    bool all_sleep = true;

    friend bool operator==(const thread_activity&, const thread_activity&) = default;
};
inline thread_activity activity_of(const thread_ids& threads) {
    thread_activity sum;
    for (const auto& id : threads) {
        const std::filesystem::path of_thread = std::filesystem::path("/proc/self/task") / id;
        long used = 0;
        long delayed = 0;
        long runs = 0;
        std::ifstream(of_thread / "schedstat") >> used >> delayed >> runs;
        EXPECT_NE(runs, 0) << of_thread << ": the thread has ended, or this kernel counts nothing";
        sum.used += std::chrono::nanoseconds(used);
        sum.runs += runs;
        std::string stat;
        std::getline(std::ifstream(of_thread / "stat"), stat);
        const auto name_ends = stat.rfind(')');
        if (name_ends == std::string::npos || stat.substr(name_ends + 2, 1) != "S") sum.all_sleep = false;
    }
    return sum;
}

/// What `threads` do from now until for `rest` none of them has run; all_sleep is false where that does not come.
inline thread_activity activity_until_rest(const thread_ids& threads, std::chrono::milliseconds rest) {
    const thread_activity first = activity_of(threads);
    thread_activity last = first;
    const bool rested = comes_true([&] {
        const thread_activity before = activity_of(threads);
        std::this_thread::sleep_for(rest);  // the stretch in which nothing is to happen
        last = activity_of(threads);
        return before.all_sleep && before == last;
    });
    return {last.used - first.used, last.runs - first.runs, rested};
}

inline long descriptors_of_process() { return entries("/proc/self/fd"); }

inline std::chrono::nanoseconds processor_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

}  // namespace support
