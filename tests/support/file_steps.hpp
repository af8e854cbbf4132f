// SPDX-License-Identifier: BSL-1.0
//
// Steps of a file by the ring, of which a test decides when the disk is done.
#pragma once

#include "io/file_ring.hpp"

#include <bide/detail/loop/loop_access.hpp>
#include <bide/io/file.hpp>
#include <bide/loop.hpp>
#include <bide/task.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <span>
#include <string>

namespace support {

/// Where there is none, files go by threads (file_test.cpp), and what is tested here says so.
inline bool has_ring(bide::loop& l) { return bide::detail::loop_access::driver_of(l).ring() != nullptr; }

/// Both ends of a pipe: for a ring, a file whose disk is as slow as the test likes.
struct slow_disk {
    int ends[2] = {-1, -1};
    slow_disk() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
    slow_disk(const slow_disk&) = delete;
    slow_disk& operator=(const slow_disk&) = delete;
    ~slow_disk() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void comes(const std::string& text) const {
        EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    /// What nobody has read.
    [[nodiscard]] std::string left() const {
        std::string all;
        std::array<char, 512> some{};
        for (pollfd p{ends[0], POLLIN, 0}; ::poll(&p, 1, 0) > 0;) {
            const ssize_t n = ::read(ends[0], some.data(), some.size());
            if (n <= 0) break;
            all.append(some.data(), static_cast<std::size_t>(n));
        }
        return all;
    }
    /// From now on it is this file's disk.
    void becomes(const bide::file& f) const {
        EXPECT_EQ(::dup3(ends[0], f.native_handle(), O_CLOEXEC), f.native_handle());
    }
};

/// What the system call would give, or a negative errno; -EAGAIN where there is no ring.
inline bide::task<int> read_step(int fd, std::span<std::byte> to) {
    bide::detail::ring_request r;
    r.what = bide::detail::ring_request::kind::read_at;
    r.fd = fd;
    r.to = to.data();
    r.size = to.size();
    const int n = co_await bide::detail::file_step(r);
    co_return n;
}

}  // namespace support
