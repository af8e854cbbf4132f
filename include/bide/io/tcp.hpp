// SPDX-License-Identifier: BSL-1.0
//
// tcp.hpp: connections. Connect to somebody, or listen and accept; then both sides have a tcp_stream.
//
//     bide::task<> echo(bide::tcp_stream peer) {
//         std::array<std::byte, 4096> buffer;
//         while (std::size_t n = co_await peer.read_some(buffer))           // 0: the peer has ended its side
//             co_await peer.write_all(std::span(buffer).first(n));
//     }
//     bide::task<> serve(bide::tcp_listener& at, bide::scope& s) {
//         for (;;) s.start(echo, co_await at.accept());
//     }
//     auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));  // 0: any port; at.local_endpoint() tells
//
// Every operation is awaitable, and has .wait() for plain code. The try_ forms give an io_result instead of throwing.
//
// Thread rule: one reader and one writer at a time (another one: usage_error), on any threads, loops and executors,
//   also on others than those on which the object was made. close() may be called from any thread meanwhile; moving,
//   assigning and destroying the object may not. No operation works in virtual time (std::logic_error).
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled operation has not happened. A cancelled accept leaves the connection in the listener's
//   queue, a cancelled read takes nothing (what read_exactly had taken is given back to the stream), a cancelled
//   connect closes. A cancelled write_all may have sent a part: then further writes fail with io_errc::write_cut.
// Destructor: closes. An operation that is pending, at close() or when the object is destroyed, ends with
//   std::errc::operation_canceled; one that is begun on a closed stream, with std::errc::bad_file_descriptor.
// Errors: std::system_error; a moved-from or empty object: usage_error. SIGPIPE is never raised.
// Descriptors are non-blocking and closed on exec; Nagle's algorithm is off (set_no_delay).
#pragma once

#include <bide/detail/io/finish_op.hpp>
#include <bide/detail/io/tcp_ops.hpp>
#include <bide/io/error.hpp>
#include <bide/io/ip_endpoint.hpp>

#include <cstddef>
#include <span>

namespace bide {
inline namespace v0 {

namespace detail {
struct stream_access;
}

class tcp_stream {
public:
    /// Connected to nobody.
    tcp_stream() noexcept = default;

    /// A connection to `to`. try_: io_result<tcp_stream>.
    [[nodiscard]] static detail::connect_op<false> connect(const ip_endpoint& to) noexcept {
        return detail::connect_op<false>(to);
    }
    [[nodiscard]] static detail::connect_op<true> try_connect(const ip_endpoint& to) noexcept {
        return detail::connect_op<true>(to);
    }

    /// Waits until something is there and takes it: how many bytes. 0: the peer has ended its side, or there is no room
    /// in the buffer. try_: io_result<std::size_t>, here and below.
    [[nodiscard]] detail::count_op<false> read_some(std::span<std::byte> to) { return {socket(), to}; }
    [[nodiscard]] detail::count_op<true> try_read_some(std::span<std::byte> to) { return {socket(), to}; }

    /// Fills the buffer; io_errc::end_of_stream when the peer ends before (the value of try_ says how much has
    /// arrived).
    [[nodiscard]] detail::all_op<false> read_exactly(std::span<std::byte> to) { return {socket(), to}; }
    [[nodiscard]] detail::all_op<true> try_read_exactly(std::span<std::byte> to) { return {socket(), to}; }

    /// Hands over as much as the system takes, at least a byte: how many.
    [[nodiscard]] detail::count_op<false> write_some(std::span<const std::byte> from) { return {socket(), from}; }
    [[nodiscard]] detail::count_op<true> try_write_some(std::span<const std::byte> from) { return {socket(), from}; }

    /// Hands over everything.
    [[nodiscard]] detail::all_op<false> write_all(std::span<const std::byte> from) { return {socket(), from}; }
    [[nodiscard]] detail::all_op<true> try_write_all(std::span<const std::byte> from) { return {socket(), from}; }

    /// Ends our side: the peer reads to the end of what was sent, and may go on sending.
    void shutdown_send();
    /// The same as an awaitable, as every byte_stream has it. try_: std::error_code.
    [[nodiscard]] detail::immediate_op<false> finish() { return detail::finish_op<false>(socket()); }
    [[nodiscard]] detail::immediate_op<true> try_finish() { return detail::finish_op<true>(socket()); }
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;
    [[nodiscard]] ip_endpoint local_endpoint() const;
    [[nodiscard]] ip_endpoint remote_endpoint() const;
    /// True (as it is from the start): what is written is sent at once, also if it is little.
    void set_no_delay(bool on);
    /// For socket options; -1 when closed. It stays the stream's.
    [[nodiscard]] int native_handle() const noexcept;

    // Internal.
    explicit tcp_stream(detail::socket_owner socket) noexcept : socket_(std::move(socket)) {}

private:
    friend struct detail::stream_access;
    [[nodiscard]] detail::socket_state& socket() const;
    detail::socket_owner socket_;
};

struct listen_options;

class tcp_listener {
public:
    /// Listens nowhere.
    tcp_listener() noexcept = default;

    /// Takes the address now (std::errc::address_in_use if somebody has it). The system accepts up to `backlog`
    /// connections ahead.
    [[nodiscard]] static tcp_listener listen(const ip_endpoint& at, int backlog = 1024);

    /// The same with options: tcp_options.hpp.
    [[nodiscard]] static tcp_listener listen(const ip_endpoint& at, const listen_options& options);

    /// The next connection. Where descriptors or memory are short (std::errc::too_many_files_open) it throws, and may
    /// be called again: the connection stays in the queue, so wait a little first. try_: io_result<tcp_stream>.
    [[nodiscard]] detail::accept_op<false> accept() { return detail::accept_op<false>(socket()); }
    [[nodiscard]] detail::accept_op<true> try_accept() { return detail::accept_op<true>(socket()); }

    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;
    /// Where it listens, with the port that was found for port 0.
    [[nodiscard]] ip_endpoint local_endpoint() const;
    [[nodiscard]] int native_handle() const noexcept;

private:
    friend struct detail::stream_access;
    explicit tcp_listener(detail::socket_owner socket) noexcept : socket_(std::move(socket)) {}
    [[nodiscard]] detail::socket_state& socket() const;
    detail::socket_owner socket_;
};

}  // namespace v0
}  // namespace bide
