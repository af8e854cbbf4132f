// SPDX-License-Identifier: BSL-1.0
//
// open_file: the descriptor of a file, shared by the file object and its operations. Each operation holds a `user`,
// which keeps the descriptor open (W4); close() lets the last user close it.
//
// Thread rule: any thread.
#pragma once

#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/base/rules.hpp>

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
    bool by_ring = false;  // a regular file without O_NONBLOCK, as a ring needs it; set before the object is shared

    open_file(int fd, std::filesystem::path path) noexcept : path_(std::move(path)), fd_(fd) {}
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() {
        BIDE_ASSERT(W4, !closed_ || fd_ < 0);
        if (fd_ >= 0) ::close(fd_);
    }

    /// Keeps the descriptor open while it lives. The constructor throws EBADF after close().
    class user {
    public:
        explicit user(open_file& f) : of_(f), fd_(f.begin_use()) {}
        user(const user&) = delete;
        user& operator=(const user&) = delete;
        ~user() { of_.end_use(); }
        [[nodiscard]] int fd() const noexcept { return fd_; }

    private:
        open_file& of_;
        const int fd_;
    };
    void close() noexcept BIDE_EXCLUDES(lock_) {
        const lock_guard guard(lock_);
        if (!std::exchange(closed_, true) && users_ == 0) close_now();
    }
    [[nodiscard]] int descriptor() noexcept BIDE_EXCLUDES(lock_) {
        const lock_guard guard(lock_);
        return closed_ ? -1 : fd_;
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    [[nodiscard]] int begin_use() BIDE_EXCLUDES(lock_) {
        const lock_guard guard(lock_);
        if (closed_) fail(EBADF, path_);
        BIDE_ASSERT(W4, fd_ >= 0);
        ++users_;
        return fd_;
    }
    void end_use() noexcept BIDE_EXCLUDES(lock_) {
        const lock_guard guard(lock_);
        BIDE_ASSERT(W4, users_ > 0 && fd_ >= 0);
        if (--users_ == 0 && closed_) close_now();
    }
    void close_now() noexcept BIDE_REQUIRES(lock_) {
        BIDE_ASSERT(W4, closed_ && users_ == 0 && fd_ >= 0);
        ::close(std::exchange(fd_, -1));
    }

    const std::filesystem::path path_;
    os_mutex lock_;
    int fd_ BIDE_GUARDED_BY(lock_);  // constant while there are users, which have copies
    int users_ BIDE_GUARDED_BY(lock_) = 0;
    bool closed_ BIDE_GUARDED_BY(lock_) = false;
};

/// Takes over the descriptor that open() has just returned for the path. It does not block, also for a file on another
/// machine: it asks for nothing but what open() has just learnt.
[[nodiscard]] std::shared_ptr<open_file> adopt_file(int fd, const std::filesystem::path& path);

}  // namespace detail
}  // namespace v0
}  // namespace bide
