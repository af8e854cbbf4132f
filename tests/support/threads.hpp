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
inline long descriptors_of_process() { return entries("/proc/self/fd"); }

inline std::chrono::nanoseconds processor_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

}  // namespace support
