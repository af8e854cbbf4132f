// SPDX-License-Identifier: BSL-1.0
//
// owned_descriptor: an open descriptor that is closed with its owner: for descriptors that processes send to each
// other, and for the streams of a child.
//
//     bide::owned_descriptor log(::open("log", O_WRONLY | O_CLOEXEC));
//     const int sent = log.get();
//     co_await peer.send_with(bide::bytes_of("log"), std::span(&sent, 1));      // a local_stream sends a copy
//
// Thread rule: a value.
// Destructor: closes.
#pragma once

#include <utility>

namespace bide {
inline namespace v0 {

class owned_descriptor {
public:
    /// Owns no descriptor.
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

    /// The descriptor; -1 if there is none.
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    /// Returns the descriptor, which the caller owns then.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept;

private:
    int fd_ = -1;
};

}  // namespace v0
}  // namespace bide
