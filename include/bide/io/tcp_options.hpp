// SPDX-License-Identifier: BSL-1.0
//
// tcp_options.hpp: options of TCP sockets, writing and reading several buffers in one call, and a patient accept.
//
//     auto at = bide::tcp_listener::listen(where, bide::listen_options{.reuse_port = true});    // one for each loop
//     bide::tcp_stream peer = co_await bide::accept_patiently(at);      // waits where descriptors are short
//     bide::set_keep_alive(peer, {.idle = 60s, .interval = 10s, .probes = 6});
//     co_await bide::write_all_of(peer, parts);                         // head and body in one go
//
// Thread rule, lifetime rule, cancellation, errors: as in tcp.hpp. Sizes in bytes.
#pragma once

#include <bide/detail/io/vectored_io.hpp>
#include <bide/io/tcp.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <cstddef>
#include <span>

namespace bide {
inline namespace v0 {

struct listen_options {
    int backlog = 1024;       ///< the system accepts up to so many connections ahead
    bool reuse_port = false;  ///< several listeners may have one port; each gets a part of the connections
    bool only_v6 = false;     ///< a listener of version 6 refuses connections of version 4
};

/// When the peer has been silent for `idle`, the system asks it every `interval`. After `probes` questions without an
/// answer the connection is over: std::errc::timed_out, which the system reports once, as it does a reset (tcp.hpp).
struct keep_alive {
    std::chrono::seconds idle{60};
    std::chrono::seconds interval{10};
    int probes = 6;
};
void set_keep_alive(tcp_stream& s, const keep_alive& how);
void set_no_keep_alive(tcp_stream& s);

/// In bytes. The system doubles the size, for its own needs, and bounds it.
void set_send_buffer(tcp_stream& s, int bytes);
void set_receive_buffer(tcp_stream& s, int bytes);
/// Sets the size for the connections that the listener will accept.
void set_receive_buffer(tcp_listener& s, int bytes);
/// From now on close() resets the connection: bytes that were sent and have not arrived are lost, and the port is free
/// at once.
void set_reset_on_close(tcp_stream& s);

/// accept() that does not fail if descriptors or memory are short: it pauses and tries again, after 10 ms at first and
/// after at most one second. The connections stay in the queue meanwhile. Throws other errors.
[[nodiscard]] task<tcp_stream> accept_patiently(tcp_listener& at);

/// Writes all buffers, one after another, as if they were one; in one system call if the system takes all of it. The
/// list and the buffers live until the operation has ended. The value of its result: how many bytes in all.
[[nodiscard]] inline detail::vectored_write_op write_all_of(tcp_stream& s,
                                                            std::span<const std::span<const std::byte>> parts) {
    return {detail::stream_access::of(s), parts};
}
/// Waits until at least one byte is there, and fills one buffer after another with what is there. Returns how many
/// bytes; 0 at the end.
[[nodiscard]] inline detail::vectored_read_op read_some_into(tcp_stream& s,
                                                             std::span<const std::span<std::byte>> parts) {
    return {detail::stream_access::of(s), parts};
}

}  // namespace v0
}  // namespace bide
