// SPDX-License-Identifier: BSL-1.0
//
// multishot_receive: the request by which a ring receives for one socket, or accepts for one listener, again and again
// until it is ended.
//
// The socket owns it, and makes it when the first operation wants it. The ring calls on_prepare() when it hands the
// request over, and on_report() for every report: bytes, a connection, the peer's end, a failure, the request's own
// end. Both are called by the thread that owns the ring, and pass on to socket_ring.
//
// Thread rule: the socket's lock guards every member. The annotations cannot say so: the analysis does not know that
//   `socket` is the socket through which it is reached. Only the thread that owns the ring changes active_ring.
// Lifetime rule: while the request is under way it has a reference to the socket, and keeps the descriptor open.
#pragma once

#include "loop/uring/ring.hpp"

#include <bide/detail/io/socket.hpp>
#include <bide/detail/loop/uring/ring_entry.hpp>

#include <cstddef>
#include <span>
#include <system_error>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

struct multishot_receive final : ring_entry {
    /// When so much has been received ahead of the reader, or accepted ahead of the server, the request is ended until
    /// the next operation waits.
    static constexpr std::size_t most_bytes = std::size_t{64} << 10;
    static constexpr std::size_t most_connections = 32;

    socket_state& socket;
    ring* active_ring = nullptr;        // the ring that has the request; null: it is not under way
    int process = 0;                    // the process that began it: in the child of a fork() it is not under way
    bool accepts = false;               // it accepts connections; else it receives bytes
    bool ending = false;                // the kernel was asked to end it
    bool ended = false;                 // the peer has ended its side: true during the report that says so
    std::error_code failed;             // a failure that no operation has got yet
    std::span<const std::byte> coming;  // bytes in the ring's memory: valid during the report that brings them
    std::vector<int> accepted;          // connections that no operation has got yet

    explicit multishot_receive(socket_state& s) noexcept : ring_entry(&on_prepare, &on_report), socket(s) {}
    ~multishot_receive();

private:
    static bool on_prepare(ring_entry* self, ring_request& r) noexcept;
    static void on_report(ring_entry* self, const ring_report& r) noexcept;
};

/// Returns true if accept() failed because one connection was lost before it was accepted: the caller accepts the next
/// one.
[[nodiscard]] bool lost_before_accepted(int error) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
