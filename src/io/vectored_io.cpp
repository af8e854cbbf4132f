// SPDX-License-Identifier: BSL-1.0
//
// vectored_write_leaf and vectored_read_leaf: several buffers in one sendmsg(2) or recvmsg(2).
//
// write() and read() are the tries: socket_state calls them without its lock, on the awaiting thread or on the thread
// of the watching loop. A read begins with what a cancelled read gave back and what a ring received ahead.
#include <bide/detail/io/vectored_io.hpp>

#include <sys/socket.h>
#include <sys/uio.h>
#include <algorithm>
#include <array>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr wait_kind vectored_write_kind{"tcp write of several"};
constexpr wait_kind vectored_read_kind{"tcp read into several"};
constexpr std::size_t at_a_time = 64;  // buffers in one call; the system's bound is 1024
constexpr std::size_t bytes_per_turn = std::size_t{1} << 20;
}  // namespace

vectored_write_leaf::vectored_write_leaf(promise_base& p, socket_state& s, const_buffers parts) noexcept
    : socket_op(p, vectored_write_kind, &s, direction::out, &vectored_write_leaf::write), left_(parts) {}

attempt vectored_write_leaf::write(socket_op& op, int fd) noexcept {
    auto& self = static_cast<vectored_write_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::out);
    if (self.error_) return attempt::done;
    const std::size_t at_begin = self.done_;
    for (;;) {
        while (!self.left_.empty() && self.of_first_ == self.left_.front().size()) {
            self.left_ = self.left_.subspan(1);
            self.of_first_ = 0;
        }
        if (self.left_.empty()) return attempt::done;
        if (self.done_ - at_begin >= bytes_per_turn) return attempt::more;
        std::array<iovec, at_a_time> list;
        const std::size_t n = std::min(self.left_.size(), list.size());
        for (std::size_t i = 0; i < n; ++i) {
            const auto part = i == 0 ? self.left_[0].subspan(self.of_first_) : self.left_[i];
            list[i].iov_base = const_cast<std::byte*>(part.data());  // it is only read
            list[i].iov_len = part.size();
        }
        msghdr message{};
        message.msg_iov = list.data();
        message.msg_iovlen = n;
        const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            self.done_ += static_cast<std::size_t>(sent);
            for (auto took = static_cast<std::size_t>(sent); took != 0;) {
                const std::size_t part = std::min(took, self.left_.front().size() - self.of_first_);
                took -= part;
                self.of_first_ += part;
                if (self.of_first_ < self.left_.front().size()) break;
                self.left_ = self.left_.subspan(1);
                self.of_first_ = 0;
            }
        } else if (would_block()) {
            return attempt::blocked;
        } else if (errno != EINTR) {
            self.error_ = last_error();
            return attempt::done;
        }
    }
}

void vectored_write_leaf::cancelled_half_way() noexcept { socket_->poison(direction::out, io_errc::write_cut); }

vectored_read_leaf::vectored_read_leaf(promise_base& p, socket_state& s, mutable_buffers parts) noexcept
    : socket_op(p, vectored_read_kind, &s, direction::in, &vectored_read_leaf::read), parts_(parts) {}

attempt vectored_read_leaf::read(socket_op& op, int fd) noexcept {
    auto& self = static_cast<vectored_read_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::in);
    if (self.error_) return attempt::done;
    std::array<iovec, at_a_time> list;
    const std::size_t n = std::min(self.parts_.size(), list.size());
    std::size_t room = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t old = self.socket_->take_received(self.parts_[i]);
        self.done_ += old;
        if (old < self.parts_[i].size() && self.done_ != 0) return attempt::done;  // what had been kept is enough
        list[i].iov_base = self.parts_[i].data();
        list[i].iov_len = self.parts_[i].size();
        room += self.parts_[i].size();
    }
    if (self.done_ != 0 || room == 0) return attempt::done;
    self.error_ = self.socket_->take_failure();  // of a multishot receive: the system does not tell it twice
    if (self.error_) return attempt::done;
    if (fd < 0) return attempt::blocked;
    msghdr message{};
    message.msg_iov = list.data();
    message.msg_iovlen = n;
    ssize_t got = 0;
    do {
        got = ::recvmsg(fd, &message, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) {
        self.done_ = static_cast<std::size_t>(got);
        self.drained_ = got > 0 && self.done_ < room;
        return attempt::done;
    }
    if (would_block()) return attempt::blocked;
    self.error_ = last_error();
    return attempt::done;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
