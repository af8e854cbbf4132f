// SPDX-License-Identifier: BSL-1.0
//
// watchdog: a test that hangs fails by name. While the guard lives the test has `limit` to end; then the program is
// aborted with a line that names the test.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

namespace support {

class watchdog {
public:
    explicit watchdog(std::chrono::seconds limit = std::chrono::seconds(30)) : limit_(limit), name_(test_name()) {
        thread_ = std::thread([this] { watch(); });
    }
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;
    ~watchdog() {
        {
            const std::lock_guard guard(m_);
            over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

private:
    static std::string test_name() {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        return info == nullptr ? "?" : std::string(info->test_suite_name()) + "." + info->name();
    }
    void watch() {
        std::unique_lock guard(m_);
        if (changed_.wait_for(guard, limit_, [this] { return over_; })) return;
        std::fprintf(stderr, "%s hangs\n", name_.c_str());
        std::abort();
    }

    std::chrono::seconds limit_;
    std::string name_;
    std::mutex m_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread thread_;
};

}  // namespace support
