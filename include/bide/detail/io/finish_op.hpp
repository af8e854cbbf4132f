// SPDX-License-Identifier: BSL-1.0
//
// finish_op: finish() of a socket as an awaitable: ends the sending side. It never waits.
#pragma once

#include <bide/detail/io/socket.hpp>
#include <bide/detail/kernel/immediate_op.hpp>

#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

inline constexpr wait_kind finish_kind{"end of what is sent"};

/// shutdown(SHUT_WR) of the socket_state that `socket` points to. Returns the error: EBADF if it is closed.
[[nodiscard]] std::error_code finish_socket(void* socket) noexcept;

[[nodiscard]] inline immediate_op finish_op(socket_state& s) noexcept {
    return immediate_op(finish_kind, &s, &finish_socket);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
