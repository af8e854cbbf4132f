// SPDX-License-Identifier: BSL-1.0
//
// accept_leaf and connect_leaf: connections of TCP.
//
// accept() and connect() are the tries: socket_state calls them without its lock, on the awaiting thread first and on
// the thread of the watching loop later. A try with the descriptor -1 takes only what a multishot receive has accepted.
#include "io/multishot_receive.hpp"

#include <bide/detail/io/byte_ops.hpp>
#include <bide/detail/io/tcp_ops.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr wait_kind accept_kind{"tcp accept"};
constexpr wait_kind connect_kind{"tcp connect"};

void no_delay(int fd) noexcept {  // no failure: a stream works without it
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

accept_leaf::accept_leaf(promise_base& p, socket_state& listener) noexcept
    : socket_op(p, accept_kind, &listener, direction::in, &accept_leaf::accept) {
    path_ = io_path::accept;
}
accept_leaf::~accept_leaf() {
    if (accepted_ >= 0) ::close(accepted_);
}

attempt accept_leaf::accept(socket_op& op, int fd) noexcept {
    auto& self = static_cast<accept_leaf&>(op);
    self.accepted_ = self.socket_->take_accepted();
    if (self.accepted_ >= 0) return attempt::done;
    self.error_ = self.socket_->take_failure();
    if (self.error_) return attempt::done;
    if (fd < 0) return attempt::blocked;
    do {
        self.accepted_ = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (self.accepted_ >= 0) return attempt::done;
    } while (lost_before_accepted(errno));
    if (would_block()) return attempt::blocked;
    self.error_ = last_error();
    return attempt::done;
}

socket_owner accept_leaf::take() {
    end();
    if (error_) return {};
    no_delay(accepted_);
    return own_descriptor(std::exchange(accepted_, -1));
}

int open_tcp(const ip_endpoint& e) noexcept {
    return ::socket(e.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
}
connect_leaf::connect_leaf(promise_base& p, const ip_endpoint& to)
    : socket_op(p, connect_kind, nullptr, direction::out, &connect_leaf::connect), remote_(to) {
    const int fd = open_tcp(to);
    if (fd < 0) {
        error_ = last_error();
        return;
    }
    socket_owner::operator=(own_descriptor(fd));
    socket_ = get();
}

attempt connect_leaf::connect(socket_op& op, int fd) noexcept {
    auto& self = static_cast<connect_leaf&>(op);
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (!std::exchange(self.begun_, true)) {
        no_delay(fd);
        size = self.remote_.to_native(address);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return attempt::done;
        if (errno == EINPROGRESS || errno == EINTR) return attempt::blocked;  // EINTR: the system continues to connect
        self.error_ = last_error();
        return attempt::done;
    }
    int failure = 0;
    socklen_t length = sizeof failure;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0) failure = errno;
    if (failure != 0) {
        self.error_ = std::error_code(failure, std::system_category());
        return attempt::done;
    }
    // Either the connection is there, or the event was another one: then the socket has no peer yet.
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? attempt::done : attempt::blocked;
}

socket_owner connect_leaf::take() {
    end();
    if (error_) return {};
    return std::move(static_cast<socket_owner&>(*this));
}
void connect_leaf::fail() const {
    throw std::system_error(error_, std::string(connect_kind.what) + " to " + remote_.to_string());
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
