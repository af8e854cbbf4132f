// SPDX-License-Identifier: BSL-1.0
//
// local.hpp: sockets between processes of this machine: streams, datagrams, and descriptors that pass through them.
//
//     auto at = bide::local_listener::listen(bide::local_endpoint::path("/run/app/control"));
//     bide::local_stream peer = co_await at.accept();
//     if (peer.peer().user != ::getuid()) co_return;
//     co_await peer.send_with(bide::bytes_of("log"), std::span(&log, 1));      // an open descriptor goes along
//
//     auto [mine, theirs] = bide::local_stream::pair();
//
// local_stream is a byte_stream. Every operation is awaitable, and has .wait() for plain code; the try_ forms give an
// io_result instead of throwing.
//
// Descriptors go with the first of the bytes that they are sent with, and come with them. What does not ask for them
// (read_some) closes them. The receiver gets descriptors of its own, closed on exec.
//
// Thread rule: as tcp_stream: one reader and one writer at a time (another one: usage_error), on any threads, loops and
//   executors; close() from any thread meanwhile. No operation works in virtual time (std::logic_error).
// Lifetime rule: buffers, and the list of descriptors to be sent, live until the operation has ended.
// Cancellation: a cancelled operation has not happened; of write_all and read_exactly as in tcp.hpp.
// Destructor: closes. A listener's path is removed with it, unless somebody else has put another file there.
//   What is pending ends with std::errc::operation_canceled; what is begun then, with std::errc::bad_file_descriptor.
// Errors: std::system_error; an empty or moved-from object: usage_error. SIGPIPE is never raised.
// A connect to a listener whose queue is full tries again and again, with pauses of 1 to 50 ms: Linux tells nobody when
//   there is room. So does send_to of a datagram.
#pragma once

#include <bide/detail/io/finish_op.hpp>
#include <bide/detail/io/local_ops.hpp>
#include <bide/detail/io/message_ops.hpp>
#include <bide/io/local_endpoint.hpp>
#include <bide/io/stream.hpp>

#include <sys/types.h>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {

/// Who is at the other end: as it was when it connected (or listened, or made the pair).
struct local_peer {
    pid_t process = 0;
    uid_t user = 0;
    gid_t group = 0;
};

/// Bytes that came with descriptors.
class local_message {
public:
    std::size_t size = 0;           ///< in the buffer; of a stream 0 is the end
    std::size_t full_size = 0;      ///< of a datagram: as it was sent. More than size: the rest is lost
    bool lost_descriptors = false;  ///< more were sent than this process may have open
    local_endpoint from;            ///< of a datagram
    std::vector<owned_descriptor> descriptors;

    local_message() noexcept = default;
    explicit local_message(detail::received&& r);
    [[nodiscard]] bool truncated() const noexcept { return full_size > size; }
};

class local_stream {
    using out_bytes = std::span<const std::byte>;
    using in_bytes = std::span<std::byte>;

public:
    /// Connected to nobody.
    local_stream() noexcept = default;

    [[nodiscard]] static task<local_stream> connect(local_endpoint to);
    [[nodiscard]] static task<io_result<local_stream>> try_connect(local_endpoint to);
    [[nodiscard]] static std::pair<local_stream, local_stream> pair();
    /// Takes over a connected socket.
    [[nodiscard]] static local_stream adopt(int fd);

    /// As tcp_stream's.
    [[nodiscard]] detail::byte_read<false, false> read_some(in_bytes b) { return {socket(), detail::local_calls, b}; }
    [[nodiscard]] detail::byte_read<true, false> try_read_some(in_bytes b) {
        return {socket(), detail::local_calls, b};
    }
    [[nodiscard]] detail::byte_read<false, true> read_exactly(in_bytes b) { return {socket(), detail::local_calls, b}; }
    [[nodiscard]] detail::byte_read<true, true> try_read_exactly(in_bytes b) {
        return {socket(), detail::local_calls, b};
    }
    [[nodiscard]] detail::byte_write<false, false> write_some(out_bytes b) {
        return {socket(), detail::local_calls, b};
    }
    [[nodiscard]] detail::byte_write<true, false> try_write_some(out_bytes b) {
        return {socket(), detail::local_calls, b};
    }
    [[nodiscard]] detail::byte_write<false, true> write_all(out_bytes b) { return {socket(), detail::local_calls, b}; }
    [[nodiscard]] detail::byte_write<true, true> try_write_all(out_bytes b) {
        return {socket(), detail::local_calls, b};
    }

    /// Sends at least one byte, with descriptors that stay the caller's (at most 253): how many bytes.
    [[nodiscard]] detail::send_op<false, true> send_with(out_bytes b, std::span<const int> descriptors);
    [[nodiscard]] detail::send_op<true, true> try_send_with(out_bytes b, std::span<const int> descriptors);
    /// As read_some, with what descriptors came along.
    [[nodiscard]] detail::receive_op<false, local_message> receive_with(in_bytes b);
    [[nodiscard]] detail::receive_op<true, local_message> try_receive_with(in_bytes b);

    /// Ends our side. try_: std::error_code.
    [[nodiscard]] detail::immediate_op<false> finish() { return detail::finish_op<false>(socket()); }
    [[nodiscard]] detail::immediate_op<true> try_finish() { return detail::finish_op<true>(socket()); }
    void close() noexcept { detail::close_socket(socket_); }

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    [[nodiscard]] local_peer peer() const;
    /// -1 when closed. It stays the stream's.
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(socket_); }

    // Internal.
    explicit local_stream(detail::socket_owner s) noexcept : socket_(std::move(s)) {}

private:
    friend struct detail::stream_access;
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(socket_, "local_stream"); }
    detail::socket_owner socket_;
};

class local_listener {
public:
    /// Listens nowhere.
    local_listener() noexcept = default;
    local_listener(local_listener&&) noexcept = default;
    local_listener& operator=(local_listener&& other) noexcept;
    ~local_listener() { close(); }

    /// Takes the name now. A path that is there is std::errc::address_in_use, whether somebody listens there or not.
    [[nodiscard]] static local_listener listen(const local_endpoint& at, int backlog = 1024);

    /// The next connection, as tcp_listener's.
    [[nodiscard]] detail::local_accept_op<false, local_stream> accept() {
        return detail::local_accept_op<false, local_stream>(socket());
    }
    [[nodiscard]] detail::local_accept_op<true, local_stream> try_accept() {
        return detail::local_accept_op<true, local_stream>(socket());
    }
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    [[nodiscard]] local_endpoint endpoint() const;
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(socket_); }

private:
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(socket_, "local_listener"); }
    detail::socket_owner socket_;
    detail::bound_path path_;
};

class local_datagram {
    using out_bytes = std::span<const std::byte>;
    using in_bytes = std::span<std::byte>;

public:
    local_datagram() noexcept = default;
    local_datagram(local_datagram&&) noexcept = default;
    local_datagram& operator=(local_datagram&& other) noexcept;
    ~local_datagram() { close(); }

    /// A socket with a name, to which others can send.
    [[nodiscard]] static local_datagram bind(const local_endpoint& at);
    /// A socket without.
    [[nodiscard]] static local_datagram open();
    [[nodiscard]] static std::pair<local_datagram, local_datagram> pair();

    /// From now on: send() goes there, and only what comes from there is received.
    void connect(const local_endpoint& to);

    /// Whole, or not at all.
    [[nodiscard]] task<> send_to(out_bytes b, local_endpoint to);
    [[nodiscard]] task<std::error_code> try_send_to(out_bytes b, local_endpoint to);
    [[nodiscard]] detail::send_op<false, false> send(out_bytes b, std::span<const int> descriptors = {});
    [[nodiscard]] detail::send_op<true, false> try_send(out_bytes b, std::span<const int> descriptors = {});
    /// The next datagram.
    [[nodiscard]] detail::receive_op<false, local_message> receive(in_bytes b);
    [[nodiscard]] detail::receive_op<true, local_message> try_receive(in_bytes b);
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    [[nodiscard]] local_endpoint endpoint() const;
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(socket_); }

private:
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(socket_, "local_datagram"); }
    detail::socket_owner socket_;
    detail::bound_path path_;
};

}  // namespace v0
}  // namespace bide
