// SPDX-License-Identifier: BSL-1.0
//
// What connect() of tcp_stream and accept() of tcp_listener return: small values that can be awaited, and the leaves
// that they make in the awaiting frame. Reads and writes are in byte_ops.hpp.
//
// Thread rule: that of socket_op.
#pragma once

#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <utility>

namespace bide {
inline namespace v0 {

class tcp_stream;

namespace detail {

/// Opens a TCP socket of the version that `like` has. Returns -1, with errno, if it cannot be opened.
[[nodiscard]] int open_tcp(const ip_endpoint& like) noexcept;

class accept_leaf : public socket_op {
public:
    accept_leaf(promise_base& p, socket_state& listener) noexcept;
    ~accept_leaf();

protected:
    /// For await_resume. Returns an empty owner if error_ is set.
    [[nodiscard]] socket_owner take();

private:
    static attempt accept(socket_op& op, int fd) noexcept;
    int accepted_ = -1;
};

class connect_leaf : private socket_owner, public socket_op {  // the owner is made first, so it is destroyed last
public:
    connect_leaf(promise_base& p, const ip_endpoint& to);

protected:
    ~connect_leaf() = default;
    /// For await_resume. Returns an empty owner if error_ is set.
    [[nodiscard]] socket_owner take();
    [[noreturn]] void fail() const;  // names the peer

private:
    static attempt connect(socket_op& op, int fd) noexcept;
    const ip_endpoint remote_;
    bool begun_ = false;
};

class [[nodiscard("co_await it or call .wait()")]] accept_op
    : public leaf_op<accept_op, stream_leaf<accept_leaf, tcp_stream>> {
public:
    explicit accept_op(socket_state& listener) noexcept : listener_(&listener) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *listener_);
    }

private:
    socket_state* listener_;
};

class [[nodiscard("co_await it or call .wait()")]] connect_op
    : public leaf_op<connect_op, stream_leaf<connect_leaf, tcp_stream>> {
public:
    explicit connect_op(const ip_endpoint& to) noexcept : to_(to) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const {
        return Awaiter(p, to_);
    }

private:
    ip_endpoint to_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
