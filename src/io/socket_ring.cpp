// SPDX-License-Identifier: BSL-1.0
//
// A socket on a loop with a ring: see socket.hpp. Everything here runs on the thread that owns the ring, unless
// it says otherwise; the socket's lock is for those who close it, and for readers on other loops.
#include "io/multishot_receive.hpp"
#include "io/registration.hpp"

#include <bide/detail/base/process.hpp>
#include <bide/detail/io/socket.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

bool socket_state::wait_for_ring(socket_op& op, ring& r) noexcept {
    lock_guard lock(lock_);
    side& s = at(op.way_);
    if (closed_) {
        op.error_ = std::make_error_code(std::errc::operation_canceled);
        ended(op, s);
        return false;
    }
    if (op.way_ == direction::in && !has_multishot(op)) {
        ended(op, s);
        return false;
    }
    add_ref();  // the stream may be destroyed while we wait
    op.has_reference_ = true;
    op.in_ring_ = true;
    promise_base* const me = op.frame;
    detach(me);
    s.parked = &op;
    if (!op.publish()) {
        s.parked = nullptr;
        post(me, step::unwind);
    } else if (op.way_ == direction::out) {
        r.queue(*op.batched_);
    } else if (multishot_->active_ring == nullptr) {
        begin_multishot(op, r);
    } else if (multishot_->listed_in == ring_entry::place::resting) {
        r.take_out(*multishot_);
    }
    return true;
}

// ---- sending ------------------------------------------------------------------------------------------------------

bool socket_state::batch_begins(socket_op& op, int& fd) noexcept {
    const lock_guard lock(lock_);
    side& s = at(op.way_);
    if (closed_ || s.parked != &op || !op.claim()) return false;  // it is over, or leaves by itself
    s.parked = nullptr;
    ++trying_;
    fd = fd_;
    return true;
}

void socket_state::batch_ended(socket_op& op, attempt last) noexcept {
    {
        lock_guard lock(lock_);
        side& s = at(op.way_);
        try_is_over();
        if (closed_ && last != attempt::done) {
            op.error_ = std::make_error_code(std::errc::operation_canceled);
            last = attempt::done;
        }
        if (last == attempt::done) ended(op, s);
        if (last == attempt::more) {
            promise_base* const waiting = op.frame;
            s.parked = &op;
            if (op.publish()) {
                op.ring_->queue(*op.batched_);
            } else {
                s.parked = nullptr;
                post(waiting, step::unwind);
            }
        }
    }
    if (last == attempt::more || (last == attempt::blocked && wait_for_readiness(op, true))) return;
    resume(&op);
}

// ---- receiving ----------------------------------------------------------------------------------------------------

bool socket_state::multishot_active() const noexcept {
    return multishot_ != nullptr && multishot_->active_ring != nullptr;
}

bool socket_state::something_received() noexcept {
    return returned_from_ != returned_.size() || !multishot_->accepted.empty() || multishot_->failed ||
           at(direction::in).poisoned;
}

// Unanalyzed: the caller's guard is given back during the try.
BIDE_UNANALYZED attempt socket_state::try_received(socket_op& op, lock_guard& lock) noexcept {
    if (op.path_ == io_path::readiness && returned_from_ == returned_.size()) return attempt::blocked;
    lock.unlock();
    attempt result = op.try_(op, -1);
    lock.lock();
    if (closed_ && result != attempt::done) {
        op.error_ = std::make_error_code(std::errc::operation_canceled);
        result = attempt::done;
    }
    if (result == attempt::done) ended(op, at(op.way_));
    return result;
}

// Under the lock. False: there is no memory for one, which is in the operation.
bool socket_state::has_multishot(socket_op& op) noexcept {
    if (multishot_ != nullptr) return true;
    try {
        auto made = std::make_unique<multishot_receive>(*this);
        // So that it is told now, and not of a connection that has been accepted.
        if (op.path_ == io_path::accept) made->accepted.reserve(multishot_receive::most_connections);
        multishot_ = made.release();
    } catch (...) {
        op.failure_ = std::current_exception();
    }
    return multishot_ != nullptr;
}

void socket_state::begin_multishot(const socket_op& op, ring& r) noexcept {  // under the lock
    multishot_->active_ring = &r;
    multishot_->process = process_generation();
    multishot_->accepts = op.path_ == io_path::accept;
    multishot_->ending = false;
    ++trying_;
    add_ref();
    r.queue(*multishot_);
}

// Under the lock, which stays; the reference is the caller's to drop.
void socket_state::multishot_ended() noexcept {
    multishot_->active_ring->take_out(*multishot_);
    multishot_->active_ring = nullptr;
    at(direction::in).ready = true;  // there may be something, of which epoll has nothing to report
    try_is_over();
}

// Under the lock. In the child of a fork it is not ours; its reference stays: the parent's list, of which the child has
// a copy, has it.
void socket_state::forget_inherited_multishot() noexcept {
    if (multishot_ == nullptr || multishot_->active_ring == nullptr || multishot_->process == process_generation())
        return;
    multishot_->active_ring = nullptr;
    multishot_->listed_in = ring_entry::place::nowhere;
    try_is_over();
}

// Under the lock. Its reader was stopped.
void socket_state::multishot_unwanted() noexcept {
    if (!multishot_active()) return;
    if (multishot_->listed_in == ring_entry::place::queued) {  // never begun
        multishot_ended();
        drop_ref();  // not the last one: the operation has one
    } else if (multishot_->listed_in == ring_entry::place::nowhere) {
        multishot_->active_ring->rest(*multishot_);
    }
}

// True: none is under way. False: it will end on its loop's thread, and says so as readiness. From any thread.
// Unanalyzed: the caller's guard is given back while the ring ends it.
BIDE_UNANALYZED bool socket_state::end_multishot(lock_guard& lock) noexcept {
    forget_inherited_multishot();
    if (!multishot_active()) return true;
    // It stays while the multishot receive is under way, which cannot change before this thread owns the ring or waits.
    ring& r = *multishot_->active_ring;
    const ring::ownership mine(r);
    if (!mine) {
        r.ask_to_end(*multishot_);
        return false;
    }
    lock.unlock();
    r.end_now(*multishot_);
    lock.lock();
    return !multishot_active();
}

void socket_state::multishot_reports(const ring_report& r) noexcept {
    socket_op* done = nullptr;
    bool over = false;
    bool too_much = false;
    ring& by = *multishot_->active_ring;  // changed by the thread that owns the ring, so by nobody else now
    {
        lock_guard lock(lock_);
        side& s = at(direction::in);
        if (!r.more) {
            over = true;
            multishot_ended();
        }
        if (closed_) {
            if (multishot_->accepts && r.result >= 0) ::close(r.result);
        } else {
            done = serve_from_multishot(r, lock);
        }
        const bool waited_for = s.parked != nullptr && s.parked->in_ring_ && !closed_;
        if (multishot_active()) {
            if (!waited_for && multishot_->listed_in == ring_entry::place::nowhere) by.rest(*multishot_);
            too_much = !multishot_->ending && (returned_.size() - returned_from_ >= multishot_receive::most_bytes ||
                                               multishot_->accepted.size() >= multishot_receive::most_connections);
            if (too_much) multishot_->ending = true;
        } else if (waited_for) {
            begin_multishot(*s.parked, by);
        } else if (s.parked != nullptr && !closed_) {  // a reader on another loop
            s.ready = true;
            done = complete(s, lock);
        }
    }
    if (too_much) by.cancel(*multishot_);  // not under the lock: others may be reported before it is taken
    resume(done);
    if (over) drop_ref();
}

// Under the lock; gives the operation if it is over, claimed.
socket_op* socket_state::serve_from_multishot(const ring_report& r, lock_guard& lock) noexcept {
    if (!keep(r)) return nullptr;
    side& s = at(direction::in);
    socket_op* const op = s.parked;
    attempt last = attempt::blocked;
    if (op != nullptr && op->in_ring_ && op->claim()) {
        s.parked = nullptr;
        last = try_received(*op, lock);
        if (last != attempt::done) {
            promise_base* const waiting = op->frame;
            s.parked = op;
            if (!op->publish()) {
                s.parked = nullptr;
                post(waiting, step::unwind);
            }
        }
    }
    keep_bytes(multishot_->coming);  // more than was asked for
    multishot_->coming = {};
    multishot_->ended = false;  // the next one is told by the system again
    return last == attempt::done ? op : nullptr;
}

// Under the lock. False: nothing that would interest a reader.
bool socket_state::keep(const ring_report& r) noexcept {
    multishot_receive& in = *multishot_;
    if (r.result > 0 && !in.accepts) {
        in.coming = {r.data, static_cast<std::size_t>(r.result)};
    } else if (r.result == 0 && !in.accepts) {
        in.ended = true;
    } else if (r.result >= 0) {
        try {
            in.accepted.push_back(r.result);
        } catch (const std::bad_alloc&) {
            ::close(r.result);
            in.failed = std::make_error_code(std::errc::not_enough_memory);
        }
    } else {
        switch (-r.result) {
            case ECANCELED:  // we ended it; or its thread did, by ending
            case ENOBUFS:    // there are more now
            case EAGAIN:
            case EINTR:
                return false;
            default:
                if (in.accepts && lost_before_accepted(-r.result)) return false;
                in.failed = std::error_code(-r.result, std::system_category());
        }
    }
    return true;
}

void socket_state::keep_bytes(std::span<const std::byte> bytes) noexcept {  // under the lock
    if (bytes.empty()) return;
    if (returned_from_ >= returned_.size() - returned_from_) {  // so what was taken is not kept for ever
        returned_.erase(returned_.begin(), returned_.begin() + static_cast<std::ptrdiff_t>(returned_from_));
        returned_from_ = 0;
    }
    try {
        returned_.insert(returned_.end(), bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // better no more bytes than wrong ones
        at(direction::in).poisoned = std::make_error_code(std::errc::not_enough_memory);
    }
}

// Under the lock: the socket is closed.
void socket_state::drop_received() noexcept {
    returned_ = {};
    returned_from_ = 0;
    if (multishot_ == nullptr) return;
    for (const int fd : std::exchange(multishot_->accepted, {})) ::close(fd);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
