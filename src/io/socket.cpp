// SPDX-License-Identifier: BSL-1.0
//
// socket_op and socket_state, as far as they need no ring: trying, parking, readiness, closing, and what the socket
// keeps.
//
// begin() and wait_for() are called by the awaiting frame, became_ready() by the thread of the loop that watches the
// descriptor, leave() by the frame that is unwound, close() by any thread. What goes by a ring is in socket_ring.cpp.
#include "io/multishot_receive.hpp"
#include "io/registration.hpp"
#include "io/socket_ring.hpp"

#include <bide/detail/base/rules.hpp>
#include <bide/detail/io/socket.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
// Tells the peer what close() would tell it. A stream that close() is to reset (SO_LINGER with no time) is left alone:
// only close() resets it.
void end_for_the_peer(int fd) noexcept {
    linger how{};
    socklen_t size = sizeof how;
    if (::getsockopt(fd, SOL_SOCKET, SO_LINGER, &how, &size) == 0 && how.l_onoff != 0 && how.l_linger == 0) return;
    ::shutdown(fd, SHUT_RDWR);
}

void close_descriptor(int fd) noexcept {
    [[maybe_unused]] const int failed = ::close(fd) == 0 ? 0 : errno;
    BIDE_ASSERT(I2, failed != EBADF);  // it was closed before
}
}  // namespace

// ---- the operation ------------------------------------------------------------------------------------------------

socket_op::socket_op(promise_base& p, const wait_kind& k, socket_state* s, direction way, try_function f) noexcept
    : leaf_awaiter(p, k, s), socket_(s), try_(f), way_(way) {}

bool socket_op::try_now() noexcept {
    return socket_ == nullptr || socket_->begin(*this);  // no socket: it could not be made, and error_ says why
}
bool socket_op::park() noexcept { return socket_->wait_for(*this); }
void socket_op::leave() noexcept { socket_->leave(*this); }
void socket_op::fail() const { throw std::system_error(error_, kind->what); }

ring* socket_op::ring_here() const noexcept {
    return path_ == io_path::readiness || socket_ == nullptr ? nullptr : loop_access::ring_of(*frame);
}

// ---- the socket ---------------------------------------------------------------------------------------------------

socket_state::~socket_state() {
    BIDE_ASSERT(I1, sides_[0].op == nullptr && sides_[1].op == nullptr);  // each has a reference, or the owner does
    BIDE_ASSERT(I2, trying_ == 0);
    if (!closed_) close_descriptor(fd_);
    delete multishot_;
}

bool socket_state::begin(socket_op& op) noexcept {
    ring* const r = op.ring_here();
    socket_lock lock(lock_);
    side& s = at(op.way_);
    if (closed_) {
        op.error_ = std::make_error_code(std::errc::bad_file_descriptor);
        return true;
    }
    if (s.op != nullptr) {
        lock.unlock();
        op.failure_ = std::make_exception_ptr(
            usage_error(std::string(op.kind->what) +
                        ": another task is waiting here already; a stream has one reader and one writer "
                        "at a time, a listener one acceptor"));
        return true;
    }
    BIDE_ASSERT(I1, s.parked == nullptr);
    s.op = &op;
    op.under_way_ = true;
    if (op.way_ == direction::in && multishot_ != nullptr) {
        socket_ring::forget_inherited_multishot(*this);
        if (socket_ring::something_received(*this) && socket_ring::try_received(*this, op, lock) == attempt::done)
            return true;
        if (multishot_->active_ring != nullptr && multishot_->active_ring != r) {
            if (!socket_ring::end_multishot(*this, lock)) return false;
            if (socket_ring::something_received(*this) && socket_ring::try_received(*this, op, lock) == attempt::done)
                return true;  // with what came until it ended
        }
        if (closed_) {
            op.error_ = std::make_error_code(std::errc::operation_canceled);
            ended(op, s);
            return true;
        }
    }
    if (r != nullptr && !s.poisoned) {
        op.ring_ = r;
        return false;
    }
    if (!s.ready && s.watched != nullptr) return false;  // no event has come since the last try
    return try_once(op, s, lock) == attempt::done;
}

// Tries the operation with the descriptor. Unanalyzed: the caller's guard is released during the try.
BIDE_UNANALYZED attempt socket_state::try_once(socket_op& op, side& s, socket_lock& lock) noexcept {
    BIDE_ASSERT(I1, s.op == &op && s.parked == nullptr);
    s.ready = false;  // before the try: an event that comes from now on counts
    ++trying_;
    BIDE_ASSERT(I2, trying_ != 0);  // without the lock nothing else keeps the descriptor open
    lock.unlock();
    attempt result = op.try_(op, fd_);
    lock.lock();
    try_is_over();
    if (closed_ && result != attempt::done) {
        op.error_ = std::make_error_code(std::errc::operation_canceled);
        result = attempt::done;
    }
    if (result == attempt::blocked) s.ended = false;  // a FIFO that was opened for writing again
    if (result == attempt::more || s.ended || (result == attempt::done && !op.drained_)) s.ready = true;
    if (result == attempt::done) ended(op, s);
    return result;
}

// The last try of a closed socket closes the descriptor. close() itself counts as one until no loop watches it any
// more.
void socket_state::try_is_over() noexcept {
    BIDE_ASSERT(I2, trying_ != 0);
    if (--trying_ != 0 || !closed_) return;
    BIDE_ASSERT(I2, trying_ == 0 && sides_[0].watched == nullptr && sides_[1].watched == nullptr);
    close_descriptor(fd_);
}

void socket_state::ended(socket_op& op, side& s) noexcept {
    BIDE_ASSERT(I1, s.op == &op && s.parked == nullptr);
    s.op = nullptr;
    op.under_way_ = false;
}

bool socket_state::wait_for(socket_op& op) noexcept {
    if (op.ring_ != nullptr) return socket_ring::park(*this, op, *op.ring_);
    return wait_for_readiness(op, false);
}

// Parks the operation until a loop reports readiness. Returns false if the operation is over instead. `detached`: the
// operation was parked before and is claimed.
bool socket_state::wait_for_readiness(socket_op& op, bool detached) noexcept {
    op.in_ring_ = false;
    const bool watched = watch_on(op.frame->ctx->ex->carrier(), op);
    socket_lock lock(lock_);
    side& s = at(op.way_);
    if (!watched || closed_) {
        if (watched) op.error_ = std::make_error_code(std::errc::operation_canceled);
        ended(op, s);
        return false;
    }
    attempt last = attempt::blocked;
    if (op.way_ == direction::out || !socket_ring::multishot_active(*this))  // else its end is reported as readiness
        while (s.ready && last == attempt::blocked) last = try_once(op, s, lock);
    if (last == attempt::done) return false;
    if (!detached) {
        add_ref();  // the stream may be destroyed while the operation is parked
        op.has_reference_ = true;
        detach(op.frame);
    }
    park_again(op, s, last);
    return true;
}

// Makes the operation, whose frame is detached, visible to completers. Returns false if stop was requested before; the
// frame is posted to be unwound then. The lock keeps the operation alive until the caller releases it: completers claim
// under the lock, and an unwound operation takes the lock to leave.
bool socket_state::publish(socket_op& op, side& s) noexcept {
    promise_base* const waiting = op.frame;
    BIDE_ASSERT(I1, s.op == &op && s.parked == nullptr);
    BIDE_ASSERT(K3, (waiting->result_slot->flags & attached) == 0);
    s.parked = &op;
    if (op.publish()) return true;
    s.parked = nullptr;
    post(waiting, step::unwind);
    return false;
}

// `last`: what the last try said. One that was cut short has the loop report readiness again, in its next turn.
void socket_state::park_again(socket_op& op, side& s, attempt last) noexcept {
    if (publish(op, s) && last == attempt::more) s.watched->watcher->report_again(*s.watched);
}

// Has the loop report this socket's readiness for the operation's direction. Returns false if that cannot be had; the
// operation has the error then.
bool socket_state::watch_on(loop& carrier, socket_op& op) noexcept {
    registration* gone = nullptr;
    try {
        const counted_ptr<fd_watcher>& watcher = loop_access::driver_of(carrier).watcher();
        socket_lock lock(lock_);
        side& s = at(op.way_);
        side& other = sides_[&s == sides_ ? 1 : 0];
        if (closed_ || (s.watched != nullptr && s.watched->watcher == watcher)) return true;
        registration* wanted = other.watched;
        if (wanted == nullptr || wanted->watcher != watcher) {
            auto made = std::make_unique<registration>(*this, fd_, watcher);
            // The lock is held over a system call here, once per socket and loop: two directions must not both add it.
            watcher->add(*made);
            wanted = made.release();
        }
        gone = std::exchange(s.watched, wanted);
        if (gone == other.watched) gone = nullptr;
        if (gone != nullptr)
            gone->watcher->remove(*gone);  // under the lock: the other direction may register there next
    } catch (const std::system_error& e) {
        op.error_ = e.code();
        return false;
    } catch (...) {
        op.failure_ = std::current_exception();
        return false;
    }
    if (gone != nullptr) gone->drop_ref();
    return true;
}

void socket_state::became_ready(std::uint32_t events) noexcept {
    constexpr std::uint32_t over = EPOLLHUP | EPOLLERR;  // the try finds out what has happened
    socket_op* done[2] = {};
    {
        socket_lock lock(lock_);
        if (closed_) return;
        side& in = at(direction::in);
        side& out = at(direction::out);
        if ((events & (EPOLLIN | EPOLLRDHUP | over)) != 0) in.ready = true;
        if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) in.ended = true;
        if ((events & (EPOLLOUT | over)) != 0) out.ready = true;
        if (in.ready && !socket_ring::multishot_active(*this)) done[0] = complete(in, lock);
        if (out.ready) done[1] = complete(out, lock);
    }
    for (socket_op* op : done) resume(op);
}

// Claims the parked operation and tries it for its task. Returns the operation if it is over; the caller resumes it
// after releasing the lock (L1).
socket_op* socket_state::complete(side& s, socket_lock& lock) noexcept {
    BIDE_ASSERT(L1, lock.owns_lock() && &lock.mutex() == &lock_);
    socket_op* op = s.parked;
    if (op == nullptr || op->in_ring_ || !op->claim())
        return nullptr;  // none is parked; or a stop request has claimed it, and the unwound frame leaves by itself
    s.parked = nullptr;
    attempt last = attempt::blocked;
    while (s.ready && last == attempt::blocked) last = try_once(*op, s, lock);
    if (last == attempt::done) return op;
    park_again(*op, s, last);
    return nullptr;
}

// Resumes the task of an operation that is over. The caller has released the lock (L1) and does not touch the operation
// again.
void socket_state::resume(socket_op* op) noexcept {
    if (op == nullptr) return;
    BIDE_ASSERT(L1, !op->under_way_);  // what the task needs was written before
    socket_state* const referenced = std::exchange(op->has_reference_, false) ? op->socket_ : nullptr;
    op->leaf::resume();
    if (referenced != nullptr) referenced->drop_ref();
}

// For the destructor of an operation whose task was stopped (L2): the operation leaves without having happened.
void socket_state::leave(socket_op& op) noexcept {
    {
        socket_lock lock(lock_);
        side& s = at(op.way_);
        BIDE_ASSERT(L2, s.op == &op && (s.parked == nullptr || s.parked == &op));
        s.parked = nullptr;
        ended(op, s);
        if (op.in_ring_ && op.way_ == direction::in) socket_ring::multishot_unwanted(*this);
    }
    if (op.has_reference_) drop_ref();
}

void socket_state::close() noexcept {
    socket_op* waiting[2] = {};
    registration* watched[2] = {};
    {
        socket_lock lock(lock_);
        if (closed_) return;
        closed_ = true;
        ++trying_;  // so that no other thread closes the descriptor before it has left the loops' sets
        for (int i = 0; i < 2; ++i) {
            side& s = sides_[i];
            watched[i] = std::exchange(s.watched, nullptr);
            if (s.parked == nullptr || !s.parked->claim()) continue;
            waiting[i] = std::exchange(s.parked, nullptr);
            waiting[i]->error_ = std::make_error_code(std::errc::operation_canceled);
            ended(*waiting[i], s);
        }
    }
    if (watched[0] == watched[1]) watched[1] = nullptr;
    for (registration* r : watched)
        if (r != nullptr) r->leave();
    {
        socket_lock lock(lock_);
        // Where another thread has to end the multishot receive, the descriptor stays open until it has. The peer of a
        // stream learns of it at once all the same. A listener has none: other processes may share it, and continue to
        // accept.
        if (!socket_ring::end_multishot(*this, lock) && !multishot_->accepts) end_for_the_peer(fd_);
        socket_ring::drop_received(*this);
        try_is_over();
    }
    for (socket_op* op : waiting) resume(op);
}

void socket_state::wait_for_tries() noexcept {
    for (unsigned round = 0;; spin_wait(round)) {
        const socket_lock lock(lock_);
        if (trying_ == 0) return;
    }
}

void socket_state::give_back(std::span<const std::byte> bytes) noexcept {
    socket_lock lock(lock_);
    side& in = at(direction::in);
    try {
        returned_.insert(returned_.begin() + static_cast<std::ptrdiff_t>(returned_from_), bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // bytes are lost here, so no later ones may be read in their place
        in.poisoned = std::make_error_code(std::errc::not_enough_memory);
    }
    in.ready = true;
}

std::size_t socket_state::take_received(std::span<std::byte> to) noexcept {
    const socket_lock lock(lock_);
    std::size_t n = std::min(to.size(), returned_.size() - returned_from_);
    if (n != 0) {
        std::memcpy(to.data(), returned_.data() + returned_from_, n);
        returned_from_ += n;
        if (returned_from_ == returned_.size()) {
            returned_ = {};
            returned_from_ = 0;
        }
    }
    if (multishot_ == nullptr || multishot_->coming.empty()) return n;
    std::span<const std::byte>& from = multishot_->coming;
    const std::size_t more = std::min(to.size() - n, from.size());
    if (more != 0) std::memcpy(to.data() + n, from.data(), more);
    from = from.subspan(more);
    return n + more;
}

std::error_code socket_state::take_failure() noexcept {
    const socket_lock lock(lock_);
    return multishot_ != nullptr ? std::exchange(multishot_->failed, {}) : std::error_code();
}

bool socket_state::peer_ended() noexcept {
    const socket_lock lock(lock_);
    return multishot_ != nullptr && multishot_->ended;
}

int socket_state::take_accepted() noexcept {
    const socket_lock lock(lock_);
    if (multishot_ == nullptr || multishot_->accepted.empty()) return -1;
    const int fd = multishot_->accepted.front();
    multishot_->accepted.erase(multishot_->accepted.begin());
    return fd;
}

void socket_state::poison(direction way, std::error_code why) noexcept {
    socket_lock lock(lock_);
    at(way).poisoned = why;
    at(way).ready = true;  // so that the next operation is tried, and finds it
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
