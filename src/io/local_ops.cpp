// SPDX-License-Identifier: BSL-1.0
//
// local_accept_leaf: accepting on a local socket; bound_path: the file that a bound socket has made.
//
// accept() is a try: socket_state calls it without its lock, on the awaiting thread or on the thread of the watching
// loop. bound_path is used by the thread that makes or closes the object.
#include <bide/detail/io/local_ops.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr wait_kind accept_kind{"local socket accept"};
}  // namespace

local_accept_leaf::local_accept_leaf(promise_base& p, socket_state& listener) noexcept
    : socket_op(p, accept_kind, &listener, direction::in, &local_accept_leaf::accept) {}
local_accept_leaf::~local_accept_leaf() {
    if (accepted_ >= 0) ::close(accepted_);
}
attempt local_accept_leaf::accept(socket_op& op, int fd) noexcept {
    auto& self = static_cast<local_accept_leaf&>(op);
    do {
        self.accepted_ = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (self.accepted_ >= 0) return attempt::done;
    } while (errno == EINTR || errno == ECONNABORTED);
    if (would_block()) return attempt::blocked;
    self.error_ = last_error();
    return attempt::done;
}
socket_owner local_accept_leaf::take() {
    end();
    if (error_) return {};
    return own_descriptor(std::exchange(accepted_, -1));
}

bound_path::bound_path(std::string made) : path_(std::move(made)) {
    struct stat s{};
    if (::lstat(path_.c_str(), &s) != 0) throw std::system_error(last_error(), path_);
    device_ = s.st_dev;
    file_ = s.st_ino;
}
void bound_path::remove() noexcept {
    if (path_.empty()) return;
    struct stat s{};
    if (::lstat(path_.c_str(), &s) == 0 && s.st_dev == device_ && s.st_ino == file_) ::unlink(path_.c_str());
    path_.clear();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
