// SPDX-License-Identifier: BSL-1.0
//
// finish_socket: what an awaited finish() of a socket does. It never waits, so it is called by the awaiting frame.
#include <bide/detail/io/finish_op.hpp>

#include <sys/socket.h>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

std::error_code finish_socket(void* socket) noexcept {
    std::error_code error;
    try {
        static_cast<socket_state*>(socket)->use([&](int fd) {
            if (::shutdown(fd, SHUT_WR) != 0) error = std::error_code(errno, std::system_category());
        });
    } catch (const std::system_error& closed) {
        error = closed.code();
    }
    return error;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
