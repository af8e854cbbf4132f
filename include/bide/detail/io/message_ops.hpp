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
    std::size_t done_ = 0;

private:
    static attempt send(socket_op& op, int fd) noexcept;
    std::span<const std::byte> from_;
    const raw_address to_;
    std::span<const int> descriptors_;
};

class receive_leaf : public socket_op {
public:
    receive_leaf(promise_base& p, const wait_kind& k, socket_state& s, std::span<std::byte> to) noexcept;

protected:
    received got_;

private:
    static attempt receive(socket_op& op, int fd) noexcept;
    void take_descriptors(msghdr& message) noexcept;
    std::span<std::byte> to_;
};

/// A datagram goes whole or not at all.
class whole_send_leaf : public send_leaf {
public:
    using send_leaf::send_leaf;

protected:
    void finish() { end_without_error(); }
    [[nodiscard]] std::error_code finish_coded() {
        end();
        return error_;
    }
};

template <class Leaf>
class [[nodiscard("co_await it or call .wait()")]] send_op : public leaf_op<send_op<Leaf>, Leaf> {
public:
    send_op(const wait_kind& k, socket_state& s, std::span<const std::byte> from, const raw_address& to,
            std::span<const int> descriptors = {}) noexcept
        : kind_(&k), socket_(&s), from_(from), to_(to), descriptors_(descriptors) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *kind_, *socket_, from_, to_, descriptors_);
    }

private:
    const wait_kind* kind_;
    socket_state* socket_;
    std::span<const std::byte> from_;
    raw_address to_;
    std::span<const int> descriptors_;
};
using send_whole_op = send_op<whole_send_leaf>;
/// A stream may take a part.
using send_part_op = send_op<transferred<amount::some, send_leaf>>;

/// `Message` is made from what was received.
template <class Message>
class message_leaf : public receive_leaf {
public:
    using receive_leaf::receive_leaf;

protected:
    [[nodiscard]] Message finish() {
        end_without_error();
        return Message(std::move(got_));
    }
    [[nodiscard]] result<Message> finish_coded() {
        end();
        return {error_, Message(std::move(got_))};
    }
};

template <class Message>
class [[nodiscard("co_await it or call .wait()")]] receive_op
    : public leaf_op<receive_op<Message>, message_leaf<Message>> {
public:
    receive_op(const wait_kind& k, socket_state& s, std::span<std::byte> to) noexcept
        : kind_(&k), socket_(&s), to_(to) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *kind_, *socket_, to_);
    }

private:
    const wait_kind* kind_;
    socket_state* socket_;
    std::span<std::byte> to_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
