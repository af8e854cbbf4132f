// SPDX-License-Identifier: BSL-1.0
//
// udp.hpp: datagrams between hosts.
//
//     auto at = bide::udp_socket::bind(bide::ip_endpoint::any(5353));
//     std::array<std::byte, 1500> buffer;
//     bide::datagram d = co_await at.receive_from(buffer);
//     if (!d.truncated()) co_await at.send_to(std::span(buffer).first(d.size), d.from);
//
// Every operation is awaitable, and has .wait() for plain code; as_result() returns its error as a code.
// The network delivers a datagram whole or not at all; it may lose one, deliver it twice, or change the order.
//
// Thread rule: one receiver and one sender at a time (a second one gets a usage_error), on any threads, loops and
//   executors. Any thread may call close() meanwhile. No operation works in virtual time (std::logic_error).
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled operation has not happened.
// Destructor: closes. A pending operation ends with std::errc::operation_canceled; one that begins on a closed socket
//   fails with std::errc::bad_file_descriptor.
// Errors: std::system_error. A datagram that is too big is std::errc::message_size. A connected socket gets
//   std::errc::connection_refused after the peer's host has refused an earlier datagram. An empty or moved-from object:
//   usage_error.
// Units: sizes in bytes.
#pragma once

#include <bide/detail/io/message_ops.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace bide {
inline namespace v0 {

/// A datagram that was received.
class datagram {
public:
    std::size_t size = 0;       ///< bytes in the buffer
    std::size_t full_size = 0;  ///< bytes as they were sent; more than size if the rest is lost
    ip_endpoint from;

    datagram() noexcept = default;
    explicit datagram(detail::received&& r) noexcept;
    [[nodiscard]] bool truncated() const noexcept { return full_size > size; }
};

struct udp_options {
    bool reuse_port = false;     ///< several sockets may have one port; each gets a part of the senders
    bool reuse_address = false;  ///< several sockets may have one multicast port; each gets every datagram
    bool only_v6 = false;        ///< a socket of version 6 gets no datagrams of version 4
};

class udp_socket {
    using out_bytes = std::span<const std::byte>;
    using in_bytes = std::span<std::byte>;

public:
    /// At no address.
    udp_socket() noexcept = default;

    /// Binds to the address, at once. For port 0 the system chooses one; endpoint() says which.
    [[nodiscard]] static udp_socket bind(const ip_endpoint& at, const udp_options& options = {});
    /// A socket without an address, of the version (4 or 6) that `like` has. The system binds it at the first datagram.
    [[nodiscard]] static udp_socket open_like(const ip_endpoint& like);

    /// From now on send() sends there, and the socket receives only from there. This sends no datagram.
    void connect(const ip_endpoint& to);

    [[nodiscard]] detail::send_whole_op send_to(out_bytes b, const ip_endpoint& to);
    [[nodiscard]] detail::send_whole_op send(out_bytes b);
    /// Waits for the next datagram. It may have no bytes.
    [[nodiscard]] detail::receive_op<datagram> receive_from(in_bytes b);
    void close() noexcept { detail::close_socket(socket_); }

    /// join: from now on the socket receives what is sent to the group, too. leave: no longer. `at`: an address of the
    /// interface to use (of version 6 the scope counts); for the any address the system chooses.
    void join(const ip_endpoint& group, const ip_endpoint& at);
    void leave(const ip_endpoint& group, const ip_endpoint& at);
    /// For datagrams that this socket sends to a group: whether this host receives them, too (default: true); how far
    /// they go (1, the default: the local network only; each router on the way takes one); by which interface they go.
    void set_multicast_loop(bool on);
    [[nodiscard]] bool multicast_loop() const;
    void set_multicast_hops(int routers);
    [[nodiscard]] int multicast_hops() const;
    void set_multicast_interface(const ip_endpoint& at);
    /// Whether it may send to a broadcast address (default: false).
    void set_broadcast(bool on);
    [[nodiscard]] bool broadcast() const;
    /// See tcp_stream. Hops: of datagrams to one host.
    void set_send_buffer(int bytes);
    [[nodiscard]] int send_buffer() const;
    void set_receive_buffer(int bytes);
    [[nodiscard]] int receive_buffer() const;
    void set_hops(int routers);
    [[nodiscard]] int hops() const;

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// The address of this socket, and the one that connect() has set.
    [[nodiscard]] ip_endpoint endpoint() const;
    [[nodiscard]] ip_endpoint peer_endpoint() const;
    /// The descriptor, for other options; -1 if the socket is closed. The socket keeps owning it.
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(socket_); }

private:
    void membership(int how_v4, int how_v6, const ip_endpoint& group, const ip_endpoint& at);
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(socket_, "udp_socket"); }
    detail::socket_owner socket_;
    bool v6_ = false;
};

}  // namespace v0
}  // namespace bide
