// SPDX-License-Identifier: BSL-1.0
//
// For tests of input and output: every descriptor that a test opens is closed again when it ends, and small helpers.
#pragma once

#include <bide/detail/background.hpp>
#include <bide/detail/loop_access.hpp>
#include <bide/future.hpp>
#include <bide/io/stream.hpp>
#include <bide/loop.hpp>
#include <bide/wait.hpp>

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

/// Descriptors before = after.
class io_test : public testing::Test {
protected:
    void SetUp() override {
        // The loops that stay have their descriptors from now on: the background loop's, and this thread's.
        static_cast<void>(bide::detail::loop_access::driver_of(bide::detail::background_loop()).watcher());
        const bide::idle_loop here;
        static_cast<void>(bide::detail::loop_access::driver_of(*here).watcher());
        before_ = open_descriptors();
    }
    void TearDown() override { EXPECT_EQ(open_descriptors(), before_) << "descriptors leaked"; }

private:
    std::vector<std::string> before_;
};

/// A directory of the test's own.
class temporary_directory {
public:
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "bide-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
        path_ = name;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline void put(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}
inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Bytes of which no two stretches are alike.
inline std::string pattern(std::size_t n) {
    std::string all(n, '\0');
    std::uint32_t x = 12345;
    for (char& c : all) {
        x = x * 1664525U + 1013904223U;
        c = static_cast<char>(x >> 24U);
    }
    return all;
}

template <class S>
bide::task<std::string> read_to_end(S& from) {
    std::string all;
    std::vector<std::byte> buffer(std::size_t{1} << 16);
    while (const std::size_t n = co_await from.read_some(buffer)) all += bide::text_of(std::span(buffer).first(n));
    co_return all;
}

/// Turns the loop until the future is there.
template <class T>
void turn_until(bide::loop& l, const bide::future<T>& f) {
    while (f.status() == bide::future_status::pending) l.poll();
}
inline void turn(bide::loop& l, int times) {
    for (int i = 0; i < times; ++i) l.poll();
}

/// The code of the std::system_error that f throws; none if it throws nothing.
template <class F>
std::error_code error_of(F&& f) {
    try {
        f();
    } catch (const std::system_error& e) {
        return e.code();
    }
    return {};
}

}  // namespace support
