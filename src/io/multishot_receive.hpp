// SPDX-License-Identifier: BSL-1.0
//
// multishot_receive: what a ring receives for one socket, or accepts. One request, which goes on until it is ended.
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

/// Its socket's, and everything in it under the socket's lock. While it is under way it has a reference to the socket,
/// and keeps the descriptor open.
struct multishot_receive final : ring_entry {
    /// So much is received ahead of the reader, or accepted ahead of the server: then it is ended until they come
    /// again.
    static constexpr std::size_t most_bytes = std::size_t{64} << 10;
    static constexpr std::size_t most_connections = 32;

    socket_state& socket;
    ring* active_ring = nullptr;  // under way there,
    int process = 0;              // in this one
    bool accepts = false;
    bool ending = false;                // we have asked for its end
    bool ended = false;                 // the peer has; while this is told
    std::error_code failed;             // not told yet
    std::span<const std::byte> coming;  // in the ring's memory, while it is told
    std::vector<int> accepted;          // connections for which nobody waited

    explicit multishot_receive(socket_state& s) noexcept : ring_entry(&on_prepare, &on_report), socket(s) {}
    ~multishot_receive();

private:
    static bool on_prepare(ring_entry* self, ring_request& r) noexcept;
    static void on_report(ring_entry* self, const ring_report& r) noexcept;
};

/// What accept() reports of a connection that was lost before it was accepted: the next one is waiting.
[[nodiscard]] bool lost_before_accepted(int error) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
