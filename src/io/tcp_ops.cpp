// SPDX-License-Identifier: BSL-1.0
//
// transfer_leaf, accept_leaf and connect_leaf: bytes and connections of TCP, tried by readiness or handed to a ring.
//
// read(), write(), accept() and connect() are the tries: socket_state calls them without its lock, on the awaiting
// thread first and on the thread of the watching loop later. on_prepare() and on_report() are called by the thread that
// owns the ring. A try with the descriptor -1 takes only what a multishot receive has received.
#include "io/multishot_receive.hpp"
#include "io/socket_ring.hpp"

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
constexpr wait_kind read_kind{"tcp read"};
constexpr wait_kind write_kind{"tcp write"};
constexpr wait_kind accept_kind{"tcp accept"};
constexpr wait_kind connect_kind{"tcp connect"};

// One try moves at most so much; then the loop's other tasks have their turn.
constexpr std::size_t bytes_per_turn = std::size_t{1} << 20;

// An operation of at most so much goes by the ring; a larger one is faster by a system call of its own.
constexpr std::size_t most_in_ring = std::size_t{64} << 10;
io_path path_of(std::size_t size, io_path in_ring) noexcept {
    return size != 0 && size <= most_in_ring ? in_ring : io_path::readiness;
}

void no_delay(int fd) noexcept {  // no failure: a stream works without it
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// ---- bytes --------------------------------------------------------------------------------------------------------

transfer_leaf::transfer_leaf(promise_base& p, socket_state& s, std::span<std::byte> to, bool all) noexcept
    : socket_op(p, read_kind, &s, direction::in, &transfer_leaf::read),
      ring_entry(&transfer_leaf::on_prepare, &transfer_leaf::on_report),
      to_(to.data()),
      size_(to.size()),
      all_(all) {
    path_ = path_of(size_, io_path::receive);
}
transfer_leaf::transfer_leaf(promise_base& p, socket_state& s, std::span<const std::byte> from, bool all) noexcept
    : socket_op(p, write_kind, &s, direction::out, &transfer_leaf::write),
      ring_entry(&transfer_leaf::on_prepare, &transfer_leaf::on_report),
      from_(from.data()),
      size_(from.size()),
      all_(all) {
    path_ = path_of(size_, io_path::send);
    batched_ = this;
}

bool transfer_leaf::on_prepare(ring_entry* entry, ring_request& r) noexcept {
    auto& self = *static_cast<transfer_leaf*>(entry);
    r.what = ring_request::kind::send;
    r.from = self.from_ + self.done_;
    r.size = self.size_ - self.done_;
    return socket_ring::batch_begins(*self.socket_, self, r.fd);
}

void transfer_leaf::on_report(ring_entry* entry, const ring_report& r) noexcept {
    auto& self = *static_cast<transfer_leaf*>(entry);
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

void transfer_leaf::take_out_of_ring() noexcept { ring_->take_out(*this); }

attempt transfer_leaf::read(socket_op& op, int fd) noexcept {
    auto& self = static_cast<transfer_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::in);
    if (self.error_) return attempt::done;
    self.drained_ = false;
    const std::size_t at_begin = self.done_;
    self.done_ += self.socket_->take_received({self.to_ + self.done_, self.size_ - self.done_});
    if (self.done_ == at_begin) {
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
        const ssize_t n = ::recv(fd, self.to_ + self.done_, wanted, 0);
        if (n > 0) {
            self.done_ += static_cast<std::size_t>(n);
            self.drained_ = static_cast<std::size_t>(n) < wanted;  // then the system has no more for now: epoll(7)
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

attempt transfer_leaf::write(socket_op& op, int fd) noexcept {
    auto& self = static_cast<transfer_leaf&>(op);
    self.error_ = self.socket_->poisoned(direction::out);
    if (self.error_) return attempt::done;
    const std::size_t at_begin = self.done_;
    while (self.done_ < self.size_ && (self.all_ || self.done_ == at_begin)) {
        if (self.done_ - at_begin >= bytes_per_turn) return attempt::more;
        const ssize_t n = ::send(fd, self.from_ + self.done_, self.size_ - self.done_, MSG_NOSIGNAL);
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

void transfer_leaf::cancelled_half_way() noexcept {
    if (to_ != nullptr)
        socket_->give_back({to_, done_});
    else
        socket_->poison(direction::out, io_errc::write_cut);
}

std::size_t transfer_leaf::finish() {
    end();
    if (error_) [[unlikely]]
        throw std::system_error(error_, kind->what);
    return done_;
}
io_result<std::size_t> transfer_leaf::finish_try() {
    end();
    return {error_, done_};
}

// ---- connections --------------------------------------------------------------------------------------------------

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

socket_owner accept_leaf::finish() {
    end();
    if (error_) return {};
    no_delay(accepted_);
    return own_descriptor(std::exchange(accepted_, -1));
}
void accept_leaf::fail() const { throw std::system_error(error_, accept_kind.what); }

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

socket_owner connect_leaf::finish() {
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
