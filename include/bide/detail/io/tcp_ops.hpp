// SPDX-License-Identifier: BSL-1.0
//
// What connect() of tcp_stream and accept() of tcp_listener return: small values that can be awaited, and the leaves
// that they make in the awaiting frame. Reads and writes are in byte_ops.hpp.
//
// Thread rule: that of socket_op.
#pragma once

#include <bide/detail/future/started.hpp>
#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/error.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <source_location>
#include <type_traits>

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
    [[nodiscard]] socket_owner finish();
    [[noreturn]] void fail() const;

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
    [[nodiscard]] socket_owner finish();
    [[noreturn]] void fail() const;

private:
    static attempt connect(socket_op& op, int fd) noexcept;
    const ip_endpoint remote_;
    bool begun_ = false;
};

/// `Leaf` returns a socket, of which the awaiting task gets a stream.
template <class Leaf, bool Try, class Stream>
class stream_awaiter final : public Leaf {
public:
    using Leaf::Leaf;
    auto await_resume() {
        Stream made(Leaf::finish());
        if constexpr (Try) {
            return io_result<Stream>(this->error_, std::move(made));
        } else {
            if (this->error_) [[unlikely]]
                Leaf::fail();
            return made;
        }
    }
};

template <bool Try>
class accept_op {
public:
    explicit accept_op(socket_state& listener) noexcept : listener_(&listener) {}
    template <class Stream = tcp_stream>
    [[nodiscard]] stream_awaiter<accept_leaf, Try, Stream> native_awaiter(promise_base& p) const noexcept {
        return stream_awaiter<accept_leaf, Try, Stream>(p, *listener_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    socket_state* listener_;
};

template <bool Try>
class connect_op {
public:
    explicit connect_op(const ip_endpoint& to) noexcept : to_(to) {}
    template <class Stream = tcp_stream>
    [[nodiscard]] stream_awaiter<connect_leaf, Try, Stream> native_awaiter(promise_base& p) const {
        return stream_awaiter<connect_leaf, Try, Stream>(p, to_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    ip_endpoint to_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
