// SPDX-License-Identifier: BSL-1.0
//
// byte_leaf: reading and writing any descriptor by a pair of system calls or by a ring, and the pairs for sockets, pipes
// and terminals.
//
// read() and write() are the tries: socket_state calls them without its lock, on the awaiting thread first and on the
// thread of the watching loop later. A try moves at most bytes_per_turn; then the loop's other tasks have their turn. A
// try with the descriptor -1 takes only what a multishot receive has received. on_prepare() and on_report() are called
// by the thread that owns the ring.
#include "io/no_sigpipe.hpp"
#include "io/socket_ring.hpp"

#include <bide/detail/io/byte_ops.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- the system calls -----------------------------------------------------------------------------------------------

namespace {

ssize_t plain_read(int fd, void* to, std::size_t n) noexcept { return ::read(fd, to, n); }

// Linux 6.18 has a flag against SIGPIPE. With an older kernel the thread blocks the signal.
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif
ssize_t quiet_write(int fd, const void* from, std::size_t n) noexcept {
    static std::atomic<bool> has_flag{true};
    if (has_flag.load(std::memory_order_relaxed)) {  // relaxed: a hint; a thread that sees it late asks once more
        iovec whole{};
        whole.iov_base = const_cast<void*>(from);
        whole.iov_len = n;
        const ssize_t done = ::pwritev2(fd, &whole, 1, -1, RWF_NOSIGNAL);
        if (done >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)) return done;
        has_flag.store(false, std::memory_order_relaxed);
    }
    no_sigpipe quiet;
    const ssize_t done = ::write(fd, from, n);
    if (done < 0 && errno == EPIPE) quiet.raised();
    return done;
}

ssize_t socket_read(int fd, void* to, std::size_t n) noexcept { return ::recv(fd, to, n, MSG_DONTWAIT); }
ssize_t socket_write(int fd, const void* from, std::size_t n) noexcept {
    return ::send(fd, from, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool ready_for(int fd, short what) noexcept {
    pollfd p{fd, what, 0};
    if (::poll(&p, 1, 0) > 0) return true;
    errno = EAGAIN;
    return false;
}
ssize_t asking_read(int fd, void* to, std::size_t n) noexcept {
    return ready_for(fd, POLLIN) ? plain_read(fd, to, n) : -1;
}
ssize_t asking_write(int fd, const void* from, std::size_t n) noexcept {
    constexpr std::size_t room = 256;  // a terminal that is ready takes so much without blocking; a pipe takes more
    return ready_for(fd, POLLOUT) ? quiet_write(fd, from, std::min(n, room)) : -1;
}

// One try moves at most so much; then the loop's other tasks have their turn.
constexpr std::size_t bytes_per_turn = std::size_t{1} << 20;

// An operation of at most so much goes by the ring; a larger one is faster by a system call of its own.
constexpr std::size_t most_in_ring = std::size_t{64} << 10;
io_path path_of(std::size_t size, io_path in_ring) noexcept {
    return size != 0 && size <= most_in_ring ? in_ring : io_path::readiness;
}

}  // namespace

const byte_calls tcp_calls{{"tcp read"}, {"tcp write"}, &socket_read, &socket_write, true, true};
const byte_calls pipe_calls{{"pipe read"}, {"pipe write"}, &plain_read, &quiet_write, true, false};
// Local sockets are read by readiness: a multishot receive takes bytes ahead of the reader, and the kernel closes the
// descriptors that were sent with them, before a receive_with() could get them.
const byte_calls local_calls{{"local socket read"}, {"local socket write"}, &socket_read, &socket_write, false, false};
const byte_calls terminal_calls{{"terminal read"}, {"terminal write"}, &asking_read, &asking_write, false, false};

// ---- the operation --------------------------------------------------------------------------------------------------

byte_leaf::byte_leaf(promise_base& p, socket_state& s, const byte_calls& c, std::span<std::byte> to, bool all) noexcept
    : socket_op(p, c.read, &s, direction::in, &byte_leaf::read),
      calls_(c),
      to_(to.data()),
      size_(to.size()),
      all_(all) {
    if (c.by_ring) path_ = path_of(size_, io_path::receive);
}
byte_leaf::byte_leaf(promise_base& p, socket_state& s, const byte_calls& c, std::span<const std::byte> from,
                     bool all) noexcept
    : socket_op(p, c.write, &s, direction::out, &byte_leaf::write),
      calls_(c),
      from_(from.data()),
      size_(from.size()),
      all_(all) {}

attempt byte_leaf::read(socket_op& op, int fd) noexcept {
    auto& self = static_cast<byte_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::in);
    if (self.error_) return attempt::done;
    self.drained_ = false;
    const std::size_t at_begin = self.done_;
    self.done_ += self.socket_->take_received({self.to_ + self.done_, self.size_ - self.done_});
    if (self.calls_.by_ring && self.done_ == at_begin) {
        self.error_ = self.socket_->take_failure();
        if (self.error_) return attempt::done;
    }
    if (fd < 0 && self.done_ < self.size_ &&
        (self.all_ || self.done_ == at_begin)) {  // without the descriptor: only what was received
        if (!self.socket_->peer_ended()) return attempt::blocked;
        if (self.all_) self.error_ = io_errc::end_of_stream;
        return attempt::done;
    }
    while (self.done_ < self.size_ && (self.all_ || self.done_ == at_begin)) {
        if (self.done_ - at_begin >= bytes_per_turn) return attempt::more;
        const std::size_t wanted = self.size_ - self.done_;
        const ssize_t n = self.calls_.in(fd, self.to_ + self.done_, wanted);
        if (n > 0) {
            self.done_ += static_cast<std::size_t>(n);
            self.drained_ = self.calls_.short_is_empty && static_cast<std::size_t>(n) < wanted;  // epoll(7)
            if (self.drained_ && self.done_ < self.size_ && self.all_) return attempt::blocked;
        } else if (n == 0) {
            self.drained_ = false;
            if (self.all_) self.error_ = io_errc::end_of_stream;
            return attempt::done;
        } else if (would_block()) {
            return attempt::blocked;
        } else if (errno != EINTR) {
            self.error_ = last_error();
            return attempt::done;
        }
    }
    return attempt::done;
}

attempt byte_leaf::write(socket_op& op, int fd) noexcept {
    auto& self = static_cast<byte_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::out);
    if (self.error_) return attempt::done;
    const std::size_t at_begin = self.done_;
    while (self.done_ < self.size_ && (self.all_ || self.done_ == at_begin)) {
        if (self.done_ - at_begin >= bytes_per_turn) return attempt::more;
        const ssize_t n = self.calls_.out(fd, self.from_ + self.done_, self.size_ - self.done_);
        if (n >= 0) {
            self.done_ += static_cast<std::size_t>(n);
        } else if (would_block()) {
            return attempt::blocked;
        } else if (errno != EINTR) {
            self.error_ = last_error();
            return attempt::done;
        }
    }
    return attempt::done;
}

void byte_leaf::cancelled_half_way() noexcept {
    if (to_ != nullptr)
        socket_->give_back({to_, done_});
    else
        socket_->poison(direction::out, io_errc::write_cut);
}

// ---- by the ring ----------------------------------------------------------------------------------------------------

ring_write_leaf::ring_write_leaf(promise_base& p, socket_state& s, const byte_calls& c, std::span<const std::byte> from,
                                 bool all) noexcept
    : byte_leaf(p, s, c, from, all), ring_entry(&ring_write_leaf::on_prepare, &ring_write_leaf::on_report) {
    path_ = path_of(size_, io_path::send);
    batched_ = this;
}

bool ring_write_leaf::on_prepare(ring_entry* entry, ring_request& r) noexcept {
    auto& self = *static_cast<ring_write_leaf*>(entry);
    r.what = ring_request::kind::send;
    r.from = self.from_ + self.done_;
    r.size = self.size_ - self.done_;
    return socket_ring::batch_begins(*self.socket_, self, r.fd);
}

void ring_write_leaf::on_report(ring_entry* entry, const ring_report& r) noexcept {
    auto& self = *static_cast<ring_write_leaf*>(entry);
    attempt last = attempt::done;
    if (r.result >= 0) {
        self.done_ += static_cast<std::size_t>(r.result);
        if (self.all_ && self.done_ < self.size_) last = attempt::more;
    } else if (r.result == -EAGAIN) {
        last = attempt::blocked;
    } else if (r.result == -EINTR || r.result == -ECANCELED) {  // this library did not cancel it: its thread is ending
        last = attempt::more;
    } else {
        self.error_ = std::error_code(-r.result, std::system_category());
    }
    socket_ring::batch_ended(*self.socket_, self, last);
}

void ring_write_leaf::take_out_of_ring() noexcept { ring_->take_out(*this); }

socket_owner own_descriptor(int fd) {
    struct closing {
        int fd;
        ~closing() {
            if (fd >= 0) ::close(fd);
        }
    } until_owned{fd};
    socket_owner owner(new socket_state(fd));
    until_owned.fd = -1;
    return owner;
}

socket_state& socket_of(const socket_owner& s, const char* what) {
    if (s.get() == nullptr) [[unlikely]]
        throw usage_error(std::string("this ") + what + " is empty: it was moved from or default-constructed");
    return *s.get();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
