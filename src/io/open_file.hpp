// SPDX-License-Identifier: BSL-1.0
//
// open_file: the descriptor of a file, which stays open while operations use it.
#pragma once

#include <bide/detail/base/os_mutex.hpp>

#include <unistd.h>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "io/file_system.hpp"

namespace bide {
inline namespace v0 {
namespace detail {

class open_file {
public:
    bool by_ring = false;  // a regular file, and blocking, as a ring wants it; set before anybody uses it

    open_file(int fd, std::filesystem::path path) noexcept : path_(std::move(path)), fd_(fd) {}
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// While it lives, the descriptor is open. Throws EBADF after close().
    class user {
    public:
        explicit user(open_file& f) : of_(f) {
            const lock_guard guard(of_.lock_);
            if (of_.closed_) fail(EBADF, of_.path_);
            ++of_.users_;
        }
        user(const user&) = delete;
        user& operator=(const user&) = delete;
        ~user() {
            const lock_guard guard(of_.lock_);
            if (--of_.users_ == 0 && of_.closed_) of_.close_now();
        }
        [[nodiscard]] int fd() const noexcept { return of_.fd_; }

    private:
        open_file& of_;
    };
    void close() noexcept {
        const lock_guard guard(lock_);
        if (!std::exchange(closed_, true) && users_ == 0) close_now();
    }
    [[nodiscard]] int descriptor() noexcept {
        const lock_guard guard(lock_);
        return closed_ ? -1 : fd_;
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    void close_now() noexcept { ::close(std::exchange(fd_, -1)); }

    const std::filesystem::path path_;
    os_mutex lock_;
    int fd_;  // does not change while there are users
    int users_ = 0;
    bool closed_ = false;
};

/// Takes the descriptor over, which open() has just given for the path. Quick, also where the file is far away: it asks for
/// nothing but what open() has just learnt.
[[nodiscard]] std::shared_ptr<open_file> adopt_file(int fd, const std::filesystem::path& path);

}  // namespace detail
}  // namespace v0
}  // namespace bide
