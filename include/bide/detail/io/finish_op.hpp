// SPDX-License-Identifier: BSL-1.0
//
// finish(): the end of our side of a socket, as an awaitable.
#pragma once

#include <bide/detail/io/socket.hpp>
#include <bide/detail/kernel/immediate_op.hpp>

#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

inline constexpr wait_kind finish_kind{"end of what is sent"};

/// shutdown(SHUT_WR) of the socket_state that `socket` points to; EBADF when it is closed.
[[nodiscard]] std::error_code finish_socket(void* socket) noexcept;

template <bool Try>
[[nodiscard]] immediate_op<Try> finish_op(socket_state& s) noexcept {
    return immediate_op<Try>(finish_kind, &s, &finish_socket);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
