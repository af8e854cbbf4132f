// SPDX-License-Identifier: BSL-1.0
//
// What the functions of tcp_stream and tcp_listener return: small values that can be awaited, and the leaves that they
// make in the awaiting frame. A read or write goes by the ring of the awaiting task's loop if there is one; see
// socket.hpp.
//
// Thread rule: that of socket_op. A buffer lives until its operation has ended.
#pragma once

#include <bide/detail/future/started.hpp>
#include <bide/detail/io/socket.hpp>
#include <bide/io/error.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <cstddef>
#include <source_location>
#include <span>
#include <type_traits>

namespace bide {
inline namespace v0 {

class tcp_stream;

namespace detail {

/// Bytes from or to a socket.
class transfer_leaf : public socket_op, ring_entry {
public:
    transfer_leaf(promise_base& p, socket_state& s, std::span<std::byte> to, bool all) noexcept;
    transfer_leaf(promise_base& p, socket_state& s, std::span<const std::byte> from, bool all) noexcept;
    ~transfer_leaf() {
        if (ring_entry::listed_in == place::queued) [[unlikely]]
            take_out_of_ring();
        if (under_way() && done_ != 0) [[unlikely]]
            cancelled_half_way();
    }

protected:
    /// For await_resume: how many bytes. finish() throws the error, finish_try() returns it.
    [[nodiscard]] std::size_t finish();
    [[nodiscard]] io_result<std::size_t> finish_try();

private:
    static attempt read(socket_op& op, int fd) noexcept;
    static attempt write(socket_op& op, int fd) noexcept;
    static bool on_prepare(ring_entry* self, ring_request& r) noexcept;
    static void on_report(ring_entry* self, const ring_report& r) noexcept;
    void take_out_of_ring() noexcept;
    void cancelled_half_way() noexcept;

    std::byte* to_ = nullptr;
    const std::byte* from_ = nullptr;
    std::size_t size_;
    std::size_t done_ = 0;
    bool all_;
};

template <bool Try, bool All>
class transfer_awaiter final : public transfer_leaf {
public:
    using transfer_leaf::transfer_leaf;
    auto await_resume() {
        if constexpr (Try)
            return finish_try();
        else if constexpr (All)
            static_cast<void>(finish());
        else
            return finish();
    }
};

template <bool Try, bool All>
class transfer_op {
public:
    transfer_op(socket_state& s, std::span<std::byte> to) noexcept : socket_(&s), to_(to) {}
    transfer_op(socket_state& s, std::span<const std::byte> from) noexcept : socket_(&s), from_(from), writes_(true) {}

    [[nodiscard]] transfer_awaiter<Try, All> native_awaiter(promise_base& p) const noexcept {
        if (writes_) return transfer_awaiter<Try, All>(p, *socket_, from_, All);
        return transfer_awaiter<Try, All>(p, *socket_, to_, All);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    socket_state* socket_;
    std::span<std::byte> to_;
    std::span<const std::byte> from_;
    bool writes_ = false;
};
template <bool Try>
using count_op = transfer_op<Try, false>;
template <bool Try>
using all_op = transfer_op<Try, true>;

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
