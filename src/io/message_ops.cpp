// SPDX-License-Identifier: BSL-1.0
//
// send_leaf and receive_leaf: sendmsg(2) and recvmsg(2), for datagrams, and for descriptors that pass through local
// sockets.
//
// send() and receive() are the tries: socket_state calls them without its lock, on the awaiting thread or on the thread
// of the watching loop.
#include <bide/detail/io/message_ops.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr std::size_t most_descriptors = 253;  // SCM_MAX_FD: the system passes no more with one message
}

send_leaf::send_leaf(promise_base& p, const wait_kind& k, socket_state& s, std::span<const std::byte> from,
                     const raw_address& to, std::span<const int> descriptors) noexcept
    : socket_op(p, k, &s, direction::out, &send_leaf::send), from_(from), to_(to), descriptors_(descriptors) {}

attempt send_leaf::send(socket_op& op, int fd) noexcept {
    auto& self = static_cast<send_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::out);
    if (self.error_) return attempt::done;
    iovec bytes{};
    bytes.iov_base = const_cast<std::byte*>(self.from_.data());
    bytes.iov_len = self.from_.size();
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))];
    sockaddr_storage to = self.to_.bytes;
    msghdr message{};
    message.msg_name = self.to_.size != 0 ? &to : nullptr;
    message.msg_namelen = self.to_.size;
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (!self.descriptors_.empty()) {
        if (self.descriptors_.size() > most_descriptors) {
            self.error_ = std::make_error_code(std::errc::invalid_argument);
            return attempt::done;
        }
        const std::size_t n = self.descriptors_.size_bytes();
        std::memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(n);
        cmsghdr* const head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n);
        std::memcpy(CMSG_DATA(head), self.descriptors_.data(), n);
    }
    ssize_t n = 0;
    do {
        n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        self.done_ = static_cast<std::size_t>(n);
        return attempt::done;
    }
    if (would_block()) return attempt::blocked;
    self.error_ = last_error();
    return attempt::done;
}

receive_leaf::receive_leaf(promise_base& p, const wait_kind& k, socket_state& s, std::span<std::byte> to) noexcept
    : socket_op(p, k, &s, direction::in, &receive_leaf::receive), to_(to) {}

attempt receive_leaf::receive(socket_op& op, int fd) noexcept {
    auto& self = static_cast<receive_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::in);
    if (self.error_) return attempt::done;
    if (const std::size_t old = self.socket_->take_received(self.to_); old != 0) {  // of a stream
        self.got_.size = self.got_.full_size = old;
        return attempt::done;
    }
    iovec bytes{};
    bytes.iov_base = self.to_.data();
    bytes.iov_len = self.to_.size();
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))];
    msghdr message{};
    message.msg_name = &self.got_.from.bytes;
    message.msg_namelen = sizeof self.got_.from.bytes;
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = 0;
    do {
        // MSG_TRUNC: a datagram's whole size comes back, also where the buffer was too small (a stream has no such
        // size).
        n = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_TRUNC);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (would_block()) return attempt::blocked;
        self.error_ = last_error();
        return attempt::done;
    }
    self.got_.full_size = static_cast<std::size_t>(n);
    self.got_.size = std::min(self.got_.full_size, self.to_.size());
    self.got_.from.size = message.msg_namelen;
    self.got_.lost_descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
    self.take_descriptors(message);
    return attempt::done;
}

void receive_leaf::take_descriptors(msghdr& message) noexcept {
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < n; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            owned_descriptor got(fd);
            try {
                got_.descriptors.push_back(std::move(got));
            } catch (const std::bad_alloc&) {
                got_.lost_descriptors = true;  // closes it: there is no place for it in the result
            }
        }
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
