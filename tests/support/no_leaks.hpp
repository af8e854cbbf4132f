// SPDX-License-Identifier: BSL-1.0
//
// no_leaks: a fixture whose tests have to leave the descriptors that they found, not only as many.
#pragma once

#include <bide/detail/kernel/background.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/loop.hpp>
#include <bide/wait.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace support {

/// What every open descriptor is.
inline std::vector<std::string> open_descriptors() {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // the one that reads the directory
        all.push_back(std::filesystem::read_symlink(entry.path(), gone).string());
    }
    std::sort(all.begin(), all.end());
    return all;
}

/// Opens what a loop opens at its first input or output and keeps, so that a test may count descriptors afterwards. On
/// the loop's thread.
inline void open_what_stays(bide::loop& l) {
    bide::detail::driver& d = bide::detail::loop_access::driver_of(l);
    static_cast<void>(d.watcher());
    static_cast<void>(d.ring());
}

/// UBSan opens a pipe the first time that it looks at an object of a class, and says that the object is none where it
/// cannot; afterwards it remembers the class. For tests in which no descriptor is left when an error is looked at.
inline void know_system_errors() {
    try {
        throw std::system_error(EMFILE, std::system_category());
    } catch (const std::system_error& e) {
        ASSERT_EQ(e.code(), std::errc::too_many_files_open);
    }
}

class no_leaks : public testing::Test {
protected:
    void SetUp() override {
        // The loops that stay have their descriptors from now on: the background loop's, and this thread's. The former
        // carries what runs on other executors, which only goes by readiness: it has no ring.
        static_cast<void>(bide::detail::loop_access::driver_of(bide::detail::background_loop()).watcher());
        {
            const bide::idle_loop here;
            open_what_stays(*here);
        }
        before_ = open_descriptors();
    }
    void TearDown() override { EXPECT_EQ(open_descriptors(), before_) << "descriptors leaked"; }
    /// For what another thread closes, soon.
    [[nodiscard]] bool as_before() const { return open_descriptors() == before_; }

private:
    std::vector<std::string> before_;
};

/// Turns the loop until the future is there.
template <class T>
void turn_until(bide::loop& l, const bide::future<T>& f) {
    while (f.status() == bide::future_status::pending) l.poll();
}
inline void turn(bide::loop& l, int times) {
    for (int i = 0; i < times; ++i) l.poll();
}

}  // namespace support
