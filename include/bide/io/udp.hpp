// SPDX-License-Identifier: BSL-1.0
//
// udp.hpp: datagrams between hosts.
//
//     auto at = bide::udp_socket::bind(bide::ip_endpoint::any(5353));
//     std::array<std::byte, 1500> buffer;
//     bide::datagram d = co_await at.receive_from(buffer);
//     if (!d.truncated()) co_await at.send_to(std::span(buffer).first(d.size), d.from);
//
// Every operation is awaitable, and has .wait() for plain code; the try_ forms give an io_result (or, of what is sent,
// a std::error_code in one) instead of throwing. A datagram goes whole or not at all, may be lost, may come twice, and
// may overtake another.
//
// Thread rule: one receiver and one sender at a time (another one: usage_error), on any threads, loops and executors;
//   close() from any thread meanwhile. No operation works in virtual time (std::logic_error).
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled operation has not happened.
// Destructor: closes. What is pending ends with std::errc::operation_canceled; what is begun then, with
//   std::errc::bad_file_descriptor.
// Errors: std::system_error: std::errc::message_size for a datagram that is too big; of a connected socket
//   std::errc::connection_refused when the peer's host has said so after an earlier send. An empty or moved-from
//   object: usage_error.
#pragma once

#include <bide/detail/io/message_ops.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace bide {
inline namespace v0 {

/// What came.
class datagram {
public:
    std::size_t size = 0;       ///< in the buffer
    std::size_t full_size = 0;  ///< as it was sent. More than size: the buffer was too small, and the rest is lost
    ip_endpoint from;

    datagram() noexcept = default;
    explicit datagram(detail::received&& r) noexcept;
    [[nodiscard]] bool truncated() const noexcept { return full_size > size; }
};

struct udp_options {
    bool reuse_port = false;     ///< several sockets at one port: each gets a part of the senders
    bool reuse_address = false;  ///< several sockets at one multicast port: each gets everything
};

class udp_socket {
    using out_bytes = std::span<const std::byte>;
    using in_bytes = std::span<std::byte>;

public:
    /// At no address.
    udp_socket() noexcept = default;

    /// Takes the address now (port 0: any; local_endpoint() says which).
    [[nodiscard]] static udp_socket bind(const ip_endpoint& at, udp_options options = {});
    /// At an address that the system finds with the first datagram, of the kind (version 4 or 6) that `like` has.
    [[nodiscard]] static udp_socket open_like(const ip_endpoint& like);

    /// From now on: send() goes there, and only what comes from there is received. Nothing is sent for this.
    void connect(const ip_endpoint& to);

    [[nodiscard]] detail::send_op<false, false> send_to(out_bytes b, const ip_endpoint& to);
    [[nodiscard]] detail::send_op<true, false> try_send_to(out_bytes b, const ip_endpoint& to);
    [[nodiscard]] detail::send_op<false, false> send(out_bytes b);
    [[nodiscard]] detail::send_op<true, false> try_send(out_bytes b);
    /// The next datagram; one of no bytes is one too.
    [[nodiscard]] detail::receive_op<false, datagram> receive_from(in_bytes b);
    [[nodiscard]] detail::receive_op<true, datagram> try_receive_from(in_bytes b);
    void close() noexcept { detail::close_socket(socket_); }

    /// From now on (or no longer) what is sent to the group comes here too. `at`: an address of the interface to use
    /// (of version 6: its scope counts); any: the system chooses.
    void join(const ip_endpoint& group, const ip_endpoint& at);
    void leave(const ip_endpoint& group, const ip_endpoint& at);
    /// Of what is sent to a group: whether it comes back to this host (true from the start), how many routers it may
    /// pass (1), and by which interface it goes.
    void set_multicast_loop(bool on);
    void set_multicast_hops(int routers);
    void set_multicast_interface(const ip_endpoint& at);
    void set_broadcast(bool on);
    /// In bytes; the system may round, and bounds them.
    void set_send_buffer(int bytes);
    void set_receive_buffer(int bytes);

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    [[nodiscard]] ip_endpoint local_endpoint() const;
    [[nodiscard]] ip_endpoint remote_endpoint() const;
    /// For other options; -1 when closed. It stays the socket's.
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(socket_); }

private:
    void set(int level, int name, int value);
    void membership(int how_v4, int how_v6, const ip_endpoint& group, const ip_endpoint& at);
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(socket_, "udp_socket"); }
    detail::socket_owner socket_;
    bool v6_ = false;
};

}  // namespace v0
}  // namespace bide
