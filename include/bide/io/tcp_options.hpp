// SPDX-License-Identifier: BSL-1.0
//
// tcp_options.hpp: writing and reading several buffers in one call, and a patient accept. (The options of sockets, and
// listen_options, are in tcp.hpp.)
//
//     bide::tcp_stream peer = co_await bide::accept_patiently(at);      // waits where descriptors are short
//     co_await bide::write_all_of(peer, parts);                         // head and body in one go
//
// Thread rule, lifetime rule, cancellation, errors: as in tcp.hpp. Sizes in bytes.
#pragma once

#include <bide/detail/io/vectored_io.hpp>
#include <bide/io/tcp.hpp>
#include <bide/task.hpp>

#include <cstddef>
#include <span>

namespace bide {
inline namespace v0 {

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
