// SPDX-License-Identifier: BSL-1.0
//
// send_leaf and receive_leaf: sendmsg(2) and recvmsg(2) as leaves, for datagrams, and for descriptors that pass through
// a local socket.
//
// Thread rule: that of socket_op. Buffers and the list of descriptors live until the operation has ended.
#pragma once

#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/descriptor.hpp>

#include <sys/socket.h>
#include <cstddef>
#include <source_location>
#include <span>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// An address in the system's form. Size 0: none.
struct raw_address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
    raw_address() noexcept = default;
};

/// A message that was received. The public types are made from it.
struct received {
    std::size_t size = 0;           // bytes in the buffer
    std::size_t full_size = 0;      // bytes as they were sent
    bool lost_descriptors = false;  // some could not be received
    raw_address from;
    std::vector<owned_descriptor> descriptors;
    received() noexcept = default;
};

class send_leaf : public socket_op {
public:
    send_leaf(promise_base& p, const wait_kind& k, socket_state& s, std::span<const std::byte> from,
              const raw_address& to, std::span<const int> descriptors) noexcept;

protected:
    [[nodiscard]] std::size_t finish();
    [[nodiscard]] io_result<std::size_t> finish_try();

private:
    static attempt send(socket_op& op, int fd) noexcept;
    std::span<const std::byte> from_;
    const raw_address to_;
    std::span<const int> descriptors_;
    std::size_t sent_ = 0;
};

class receive_leaf : public socket_op {
public:
    receive_leaf(promise_base& p, const wait_kind& k, socket_state& s, std::span<std::byte> to) noexcept;

protected:
    void finish();
    void throw_error() const;
    received got_;

private:
    static attempt receive(socket_op& op, int fd) noexcept;
    void take_descriptors(msghdr& message) noexcept;
    std::span<std::byte> to_;
};

/// `Bytes`: the result says how many bytes were sent. A stream may take a part; a datagram goes whole or not at all.
template <bool Try, bool Bytes>
class send_awaiter final : public send_leaf {
public:
    using send_leaf::send_leaf;
    auto await_resume() {
        if constexpr (Try)
            return finish_try();
        else if constexpr (Bytes)
            return finish();
        else
            static_cast<void>(finish());
    }
};

template <bool Try, bool Bytes>
class [[nodiscard("co_await it or call .wait()")]] send_op {
public:
    send_op(const wait_kind& k, socket_state& s, std::span<const std::byte> from, const raw_address& to,
            std::span<const int> descriptors = {}) noexcept
        : kind_(&k), socket_(&s), from_(from), to_(to), descriptors_(descriptors) {}
    [[nodiscard]] send_awaiter<Try, Bytes> native_awaiter(promise_base& p) const noexcept {
        return send_awaiter<Try, Bytes>(p, *kind_, *socket_, from_, to_, descriptors_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    const wait_kind* kind_;
    socket_state* socket_;
    std::span<const std::byte> from_;
    raw_address to_;
    std::span<const int> descriptors_;
};

/// `Message` is made from what was received.
template <bool Try, class Message>
class receive_awaiter final : public receive_leaf {
public:
    using receive_leaf::receive_leaf;
    auto await_resume() {
        finish();
        if constexpr (Try) {
            return io_result<Message>(error_, Message(std::move(got_)));
        } else {
            if (error_) [[unlikely]]
                throw_error();
            return Message(std::move(got_));
        }
    }
};

template <bool Try, class Message>
class [[nodiscard("co_await it or call .wait()")]] receive_op {
public:
    receive_op(const wait_kind& k, socket_state& s, std::span<std::byte> to) noexcept
        : kind_(&k), socket_(&s), to_(to) {}
    [[nodiscard]] receive_awaiter<Try, Message> native_awaiter(promise_base& p) const noexcept {
        return receive_awaiter<Try, Message>(p, *kind_, *socket_, to_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    const wait_kind* kind_;
    socket_state* socket_;
    std::span<std::byte> to_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
