// SPDX-License-Identifier: BSL-1.0
//
// local_accept_leaf: accepting on a local socket. bound_path: the file that a bound local socket has made.
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

class local_accept_leaf : public socket_op {
public:
    local_accept_leaf(promise_base& p, socket_state& listener) noexcept;
    ~local_accept_leaf();

protected:
    /// For await_resume. Returns an empty owner if error_ is set.
    [[nodiscard]] socket_owner take();

private:
    static attempt accept(socket_op& op, int fd) noexcept;
    int accepted_ = -1;
};

template <class Stream>
class [[nodiscard("co_await it or call .wait()")]] local_accept_op
    : public leaf_op<local_accept_op<Stream>, stream_leaf<local_accept_leaf, Stream>> {
public:
    explicit local_accept_op(socket_state& listener) noexcept : listener_(&listener) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *listener_);
    }

private:
    socket_state* listener_;
};

/// The file of a socket that was bound to a path. remove() removes it if it is still the file that was made.
class bound_path {
public:
    bound_path() noexcept = default;
    /// Remembers which file is at the path. Throws std::system_error if there is none.
    explicit bound_path(std::string made);
    bound_path(bound_path&& other) noexcept
        : path_(std::exchange(other.path_, {})), device_(other.device_), file_(other.file_) {}
    bound_path& operator=(bound_path&& other) noexcept {
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        file_ = other.file_;
        return *this;
    }
    ~bound_path() = default;
    void remove() noexcept;

private:
    std::string path_;
    std::uint64_t device_ = 0;
    std::uint64_t file_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
