// SPDX-License-Identifier: BSL-1.0
//
// local.hpp: sockets between processes of this machine: streams, datagrams, and descriptors that are sent through them.
//
//     auto at = bide::local_listener::listen(bide::local_endpoint::path("/run/app/control"));
//     bide::local_stream peer = co_await at.accept();
//     if (peer.peer().user != ::getuid()) co_return;
//     co_await peer.send_with(bide::bytes_of("log"), std::span(&log, 1));      // sends an open descriptor along
//
//     auto [mine, theirs] = bide::local_stream::pair();
//
// local_stream is a byte_stream. Every operation is awaitable, and has .wait() for plain code; as_result() returns its
// error as a code.
//
// Descriptors arrive with the first of the bytes that they are sent with. The receiver gets descriptors of its own,
// closed on exec. Trap: read_some and read_exactly close descriptors that arrive with their bytes; receive_with returns
// them.
//
// Thread rule: one reader and one writer at a time (a second one gets a usage_error), on any threads, loops and
//   executors. Any thread may call close() meanwhile. No operation works in virtual time (std::logic_error).
// Lifetime rule: buffers, and the list of descriptors to be sent, live until the operation has ended.
// Cancellation: a cancelled operation has not happened; for write_all and read_exactly see tcp.hpp.
// Destructor: closes. A listener removes the file at its path, unless another file has been put there since.
//   A pending operation ends with std::errc::operation_canceled; one that begins on a closed object fails with
//   std::errc::bad_file_descriptor.
// Errors: std::system_error; an empty or moved-from object: usage_error. SIGPIPE is never raised.
// A connect to a listener whose queue is full tries again after pauses of 1 to 50 ms, because Linux notifies no waiter
//   when there is room. send_to of a datagram does the same when the receiver's queue is full.
// Units: sizes in bytes.
#pragma once

#include <bide/detail/io/coded_task.hpp>
#include <bide/detail/io/finish_op.hpp>
#include <bide/detail/io/local_ops.hpp>
#include <bide/detail/io/message_ops.hpp>
#include <bide/io/local_endpoint.hpp>
#include <bide/io/stream.hpp>

#include <sys/types.h>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {

/// The process at the other end, as it was when it connected, listened, or made the pair.
struct local_peer {
    pid_t process = 0;
    uid_t user = 0;
    gid_t group = 0;
};

/// As listen_options of tcp.hpp.
struct local_listen_options {
    int backlog = 1024;  ///< the system accepts up to so many connections ahead
};

/// Bytes that were received, with the descriptors that arrived with them.
class local_message {
public:
    std::size_t size = 0;           ///< bytes in the buffer; of a stream 0 is the end
    std::size_t full_size = 0;      ///< of a datagram: bytes as they were sent; more than size if the rest is lost
    bool lost_descriptors = false;  ///< more descriptors were sent than this process may have open
    local_endpoint from;            ///< of a datagram: the sender's name
    std::vector<owned_descriptor> descriptors;

    local_message() noexcept = default;
    explicit local_message(detail::received&& r);
    [[nodiscard]] bool truncated() const noexcept { return full_size > size; }
};

class local_stream {
    using out_bytes = std::span<const std::byte>;
    using in_bytes = std::span<std::byte>;

public:
    /// A stream without a connection: its operations throw usage_error.
    local_stream() noexcept = default;

    [[nodiscard]] static detail::coded_task<local_stream, std::string> connect(local_endpoint to);
    [[nodiscard]] static std::pair<local_stream, local_stream> pair();
    /// Takes a connected socket over: it becomes non-blocking and closed on exec, and the stream closes it.
    [[nodiscard]] static local_stream adopt(int fd);

    /// The four operations of every stream: see tcp_stream.
    [[nodiscard]] detail::read_some_op read_some(in_bytes b) { return {socket(), detail::local_calls, b}; }
    [[nodiscard]] detail::read_exactly_op read_exactly(in_bytes b) { return {socket(), detail::local_calls, b}; }
    [[nodiscard]] detail::send_some_op write_some(out_bytes b) { return {socket(), detail::local_calls, b}; }
    [[nodiscard]] detail::send_all_op write_all(out_bytes b) { return {socket(), detail::local_calls, b}; }

    /// Sends at least one byte with copies of at most 253 descriptors; the caller keeps owning its own. Returns how
    /// many bytes.
    [[nodiscard]] detail::send_part_op send_with(out_bytes b, std::span<const int> descriptors);
    /// As read_some, but returns the descriptors that arrived with the bytes, too.
    [[nodiscard]] detail::receive_op<local_message> receive_with(in_bytes b);

    /// Ends the sending side.
    [[nodiscard]] detail::immediate_op finish() { return detail::finish_op(socket()); }
    void close() noexcept { detail::close_socket(socket_); }

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// The name of this end, and of the peer's; often there is none.
    [[nodiscard]] local_endpoint endpoint() const;
    [[nodiscard]] local_endpoint peer_endpoint() const;
    /// The process at the other end.
    [[nodiscard]] local_peer peer() const;
    /// See tcp_stream.
    void set_send_buffer(int bytes);
    [[nodiscard]] int send_buffer() const;
    void set_receive_buffer(int bytes);
    [[nodiscard]] int receive_buffer() const;
    /// The descriptor; -1 if the stream is closed. The stream keeps owning it.
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

    /// Binds to the name and listens, at once. A path at which a file exists is std::errc::address_in_use, whether a
    /// socket listens there or not.
    [[nodiscard]] static local_listener listen(const local_endpoint& at, const local_listen_options& options = {});

    /// Waits for the next connection: see tcp_listener.
    [[nodiscard]] detail::local_accept_op<local_stream> accept() {
        return detail::local_accept_op<local_stream>(socket());
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

    /// A socket with a name, to which other sockets can send.
    [[nodiscard]] static local_datagram bind(const local_endpoint& at);
    /// A socket without a name.
    [[nodiscard]] static local_datagram open();
    [[nodiscard]] static std::pair<local_datagram, local_datagram> pair();

    /// From now on send() sends there, and the socket receives only from there.
    void connect(const local_endpoint& to);

    /// Sends the datagram whole, or not at all.
    [[nodiscard]] detail::coded_task<void, std::string> send_to(out_bytes b, const local_endpoint& to);
    [[nodiscard]] detail::send_whole_op send(out_bytes b, std::span<const int> descriptors = {});
    /// Waits for the next datagram.
    [[nodiscard]] detail::receive_op<local_message> receive(in_bytes b);
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// The name of this socket, and the one that connect() has set.
    [[nodiscard]] local_endpoint endpoint() const;
    [[nodiscard]] local_endpoint peer_endpoint() const;
    /// See tcp_stream.
    void set_send_buffer(int bytes);
    [[nodiscard]] int send_buffer() const;
    void set_receive_buffer(int bytes);
    [[nodiscard]] int receive_buffer() const;
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(socket_); }

private:
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(socket_, "local_datagram"); }
    detail::socket_owner socket_;
    detail::bound_path path_;
};

}  // namespace v0
}  // namespace bide
