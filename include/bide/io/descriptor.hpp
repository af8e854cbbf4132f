// SPDX-License-Identifier: BSL-1.0
//
// owned_descriptor: an open descriptor with an owner: what passes between processes, and what a child gets for its
// streams.
//
//     bide::owned_descriptor log(::open("log", O_WRONLY | O_CLOEXEC));
//     co_await peer.send_descriptor(log.get());
//
// Thread rule: a value.
// Destructor: closes.
#pragma once

#include <utility>

namespace bide {
inline namespace v0 {

class owned_descriptor {
public:
    /// None.
    owned_descriptor() noexcept = default;
    explicit owned_descriptor(int fd) noexcept : fd_(fd) {}
    owned_descriptor(owned_descriptor&& other) noexcept : fd_(other.release()) {}
    owned_descriptor& operator=(owned_descriptor&& other) noexcept {
        if (this != &other) {
            close();
            fd_ = other.release();
        }
        return *this;
    }
    ~owned_descriptor() { close(); }

    /// -1: none.
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Gives it away.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept;

private:
    int fd_ = -1;
};

}  // namespace v0
}  // namespace bide
