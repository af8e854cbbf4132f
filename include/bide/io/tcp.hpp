// SPDX-License-Identifier: BSL-1.0
//
// tcp.hpp: TCP connections. One side connects, the other one listens and accepts; then each has a tcp_stream.
//
//     bide::task<> echo(bide::tcp_stream peer) {
//         std::array<std::byte, 4096> buffer;
//         while (std::size_t n = co_await peer.read_some(buffer))           // 0: the peer has ended its side
//             co_await peer.write_all(std::span(buffer).first(n));
//     }
//     bide::task<> serve(bide::tcp_listener& at, bide::scope& s) {
//         for (;;) s.start(echo, co_await at.accept());
//     }
//     auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));  // 0: any port; at.endpoint() tells
//
// Every operation is awaitable, and has .wait() for plain code; as_result() returns its error as a code.
//
// Thread rule: one reader and one writer at a time (a second one gets a usage_error), on any threads, loops and
//   executors, also on others than those on which the object was made. Any thread may call close() meanwhile; another
//   thread must not move, assign or destroy the object. No operation works in virtual time (std::logic_error).
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled operation has not happened. A cancelled accept leaves the connection in the listener's
//   queue. A cancelled read takes nothing: the stream keeps what read_exactly had taken for the next read. A cancelled
//   connect closes its socket. A cancelled write_all may have sent a part: further writes fail with io_errc::write_cut.
// Destructor: closes. An operation that is pending at close(), or when the object is destroyed, ends with
//   std::errc::operation_canceled. An operation that begins on a closed stream fails with
//   std::errc::bad_file_descriptor.
// Errors: std::system_error; a moved-from or empty object: usage_error. SIGPIPE is never raised.
// A reset by the peer fails an operation with std::errc::connection_reset. Trap: the system reports a reset once, to
//   the operation that asks first. If that is a write, the reader gets 0, as at the peer's end; if it is a read, later
//   reads get 0 and later writes std::errc::broken_pipe. A reader that must tell an end from a reset needs an end that
//   the protocol itself marks.
// Descriptors are non-blocking and closed on exec; Nagle's algorithm is off (set_no_delay).
// Options of a socket have the same names in tcp.hpp, udp.hpp and local.hpp: x.set_name(value), x.name(). Each is one
//   system call, which never waits.
// Units: sizes in bytes.
#pragma once

#include <bide/detail/io/finish_op.hpp>
#include <bide/detail/io/tcp_ops.hpp>
#include <bide/io/error.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>

namespace bide {
inline namespace v0 {

namespace detail {
struct stream_access;
}

/// When the peer has been silent for `idle`, the system asks it every `interval`. After `probes` questions without an
/// answer the connection is over: std::errc::timed_out, which the system reports once, as it does a reset (above).
struct keep_alive_options {
    std::chrono::seconds idle{60};
    std::chrono::seconds interval{10};
    int probes = 6;
};

struct listen_options {
    int backlog = 1024;       ///< the system accepts up to so many connections ahead
    bool reuse_port = false;  ///< several listeners may have one port; each gets a part of the connections
    bool only_v6 = false;     ///< a listener of version 6 refuses connections of version 4
};

class tcp_stream {
public:
    /// A stream without a connection: its operations throw usage_error.
    tcp_stream() noexcept = default;

    /// Connects to `to`.
    [[nodiscard]] static detail::connect_op connect(const ip_endpoint& to) noexcept { return detail::connect_op(to); }

    /// Waits until at least one byte is there and takes what is there. Returns how many bytes; 0 if the peer has ended
    /// its side, or if the buffer is empty.
    [[nodiscard]] detail::read_some_op read_some(std::span<std::byte> to) { return {socket(), detail::tcp_calls, to}; }

    /// Fills the buffer. Fails with io_errc::end_of_stream if the peer ends its side before. The value of its result
    /// says how many bytes arrived.
    [[nodiscard]] detail::read_exactly_op read_exactly(std::span<std::byte> to) {
        return {socket(), detail::tcp_calls, to};
    }

    /// Hands over as many bytes as the system takes, at least one. Returns how many.
    [[nodiscard]] detail::send_some_op write_some(std::span<const std::byte> from) {
        return {socket(), detail::tcp_calls, from};
    }

    /// Hands over all bytes. The value of its result says how many were handed over.
    [[nodiscard]] detail::send_all_op write_all(std::span<const std::byte> from) {
        return {socket(), detail::tcp_calls, from};
    }

    /// Ends the sending side, at once: the peer reads what was sent, then the end, and may go on sending.
    [[nodiscard]] detail::immediate_op finish() { return detail::finish_op(socket()); }
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;
    /// The address of this end, and of the peer's.
    [[nodiscard]] ip_endpoint endpoint() const;
    [[nodiscard]] ip_endpoint peer_endpoint() const;
    /// On (the default): the system sends every write at once, however small. Off: Nagle's algorithm gathers small
    /// ones.
    void set_no_delay(bool on);
    [[nodiscard]] bool no_delay() const;
    /// Empty (the default): the system never asks a silent peer.
    void set_keep_alive(const keep_alive_options& how);
    void set_keep_alive(std::nullopt_t);
    template <std::same_as<std::optional<keep_alive_options>> Perhaps>  // not for {}, which is the defaults
    void set_keep_alive(const Perhaps& how) {
        if (how)
            set_keep_alive(*how);
        else
            set_keep_alive(std::nullopt);
    }
    [[nodiscard]] std::optional<keep_alive_options> keep_alive() const;
    /// In bytes. The system doubles the size, for its own needs, and bounds it; asked, it gives the size that it has
    /// made.
    void set_send_buffer(int bytes);
    [[nodiscard]] int send_buffer() const;
    void set_receive_buffer(int bytes);
    [[nodiscard]] int receive_buffer() const;
    /// How far what is sent goes: each router on the way takes one (the TTL, or hop limit; 64 if the system is not
    /// configured otherwise).
    void set_hops(int routers);
    [[nodiscard]] int hops() const;
    /// On: close() resets the connection: bytes that were sent and have not arrived are lost, and the port is free at
    /// once.
    void set_reset_on_close(bool on);
    [[nodiscard]] bool reset_on_close() const;
    /// The descriptor, for other options; -1 if the stream is closed. The stream keeps owning it.
    [[nodiscard]] int native_handle() const noexcept;

    // Internal.
    explicit tcp_stream(detail::socket_owner socket) noexcept : socket_(std::move(socket)) {}

private:
    friend struct detail::stream_access;
    [[nodiscard]] detail::socket_state& socket() const;
    detail::socket_owner socket_;
};

class tcp_listener {
public:
    /// Listens nowhere.
    tcp_listener() noexcept = default;

    /// Binds to the address and listens, at once; std::errc::address_in_use if another socket has it.
    [[nodiscard]] static tcp_listener listen(const ip_endpoint& at, const listen_options& options = {});

    /// Waits for the next connection. If descriptors or memory are short (std::errc::too_many_files_open) it throws,
    /// and the connection stays in the queue: pause before the next call, or use accept_patiently (tcp_options.hpp).
    [[nodiscard]] detail::accept_op accept() { return detail::accept_op(socket()); }

    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;
    /// The address at which it listens, with the port that the system chose for port 0.
    [[nodiscard]] ip_endpoint endpoint() const;
    /// For the connections that the listener will accept: see tcp_stream.
    void set_send_buffer(int bytes);
    [[nodiscard]] int send_buffer() const;
    void set_receive_buffer(int bytes);
    [[nodiscard]] int receive_buffer() const;
    [[nodiscard]] int native_handle() const noexcept;

private:
    friend struct detail::stream_access;
    explicit tcp_listener(detail::socket_owner socket) noexcept : socket_(std::move(socket)) {}
    [[nodiscard]] detail::socket_state& socket() const;
    detail::socket_owner socket_;
};

}  // namespace v0
}  // namespace bide
