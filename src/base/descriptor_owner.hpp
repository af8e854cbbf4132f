// SPDX-License-Identifier: BSL-1.0
//
// descriptor_owner: closes a file descriptor once, in its destructor or before. For the library's own descriptors; users
// have owned_descriptor (bide/io/descriptor.hpp), which is the same with operations of its own.
//
//     const descriptor_owner event(::eventfd(0, EFD_CLOEXEC), "eventfd");   // throws if the system refuses it
//
// Thread rule: as an int. Lifetime rule: the number is another descriptor's after close(). Errors: the constructor that
// is given a name throws std::system_error with errno.
#pragma once

#include <unistd.h>
#include <cerrno>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

class descriptor_owner {
public:
    /// A negative number is no descriptor, and is not closed.
    explicit descriptor_owner(int fd = -1) noexcept : fd_(fd) {}
    descriptor_owner(int fd, const char* what) : fd_(fd) {
        if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
    }
    descriptor_owner(descriptor_owner&& other) noexcept : fd_(other.release()) {}
    descriptor_owner& operator=(descriptor_owner&& other) noexcept {
        descriptor_owner taken(std::move(other));  // the old descriptor is closed here, and not kept by `other`
        std::swap(fd_, taken.fd_);
        return *this;
    }
    ~descriptor_owner() { close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// The caller owns the descriptor then.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept {
        if (fd_ >= 0) ::close(release());
    }

private:
    int fd_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
