// SPDX-License-Identifier: BSL-1.0
//
// socket_ring: a socket on a loop with a ring; socket_ring.hpp says which thread calls what.
//
// A socket has one multishot receive, made when the first operation wants it and used again. While it is under way it
// has a reference to the socket, and counts as a try: so the descriptor stays open. It ends when the peer does, when an
// operation on another loop needs the descriptor, when too much was received ahead, or when the socket is closed.
#include "io/socket_ring.hpp"
#include "io/registration.hpp"

#include <bide/detail/base/process.hpp>
#include <bide/detail/base/rules.hpp>

#include <unistd.h>
#include <cerrno>
#include <memory>
#include <new>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

bool socket_ring::park(socket_state& s, socket_op& op, ring& r) noexcept {
    socket_lock lock(s.lock_);
    socket_state::side& side = s.at(op.way_);
    if (s.closed_) {
        op.error_ = std::make_error_code(std::errc::operation_canceled);
        socket_state::ended(op, side);
        return false;
    }
    if (op.way_ == direction::in && !has_multishot(s, op)) {
        socket_state::ended(op, side);
        return false;
    }
    BIDE_ASSERT(R1, r.owned_here());
    s.add_ref();  // the stream may be destroyed while the operation is parked
    op.has_reference_ = true;
    op.in_ring_ = true;
    detach(op.frame);
    if (!s.publish(op, side)) return true;
    // The operation may be touched still, although it is published (K3): the lock keeps it alive.
    if (op.way_ == direction::out) {
        r.queue(*op.batched_);
    } else if (s.multishot_->active_ring == nullptr) {
        begin_multishot(s, op, r);
    } else if (s.multishot_->listed_in == ring_entry::place::resting) {
        r.take_out(*s.multishot_);
    }
    return true;
}

// ---- sending ------------------------------------------------------------------------------------------------------

bool socket_ring::batch_begins(socket_state& s, socket_op& op, int& fd) noexcept {
    const socket_lock lock(s.lock_);
    socket_state::side& side = s.at(op.way_);
    if (s.closed_ || side.parked != &op || !op.claim()) return false;  // over, or stopped: it leaves by itself
    side.parked = nullptr;
    ++s.trying_;
    fd = s.fd_;
    return true;
}

void socket_ring::batch_ended(socket_state& s, socket_op& op, attempt last) noexcept {
    {
        socket_lock lock(s.lock_);
        socket_state::side& side = s.at(op.way_);
        s.try_is_over();
        if (s.closed_ && last != attempt::done) {
            op.error_ = std::make_error_code(std::errc::operation_canceled);
            last = attempt::done;
        }
        if (last == attempt::done) socket_state::ended(op, side);
        if (last == attempt::more) {
            BIDE_ASSERT(R1, op.ring_->owned_here());
            if (s.publish(op, side)) op.ring_->queue(*op.batched_);  // under the lock, which keeps the operation alive
        }
    }
    if (last == attempt::more || (last == attempt::blocked && s.wait_for_readiness(op, true))) return;
    socket_state::resume(&op);
}

// ---- receiving ----------------------------------------------------------------------------------------------------

bool socket_ring::something_received(socket_state& s) noexcept {
    return s.returned_from_ != s.returned_.size() || !s.multishot_->accepted.empty() || s.multishot_->failed ||
           s.at(direction::in).poisoned;
}

// Unanalyzed: the caller's guard is released during the try.
BIDE_UNANALYZED attempt socket_ring::try_received(socket_state& s, socket_op& op, socket_lock& lock) noexcept {
    if (op.path_ == io_path::readiness && s.returned_from_ == s.returned_.size()) return attempt::blocked;
    BIDE_ASSERT(I1, s.at(op.way_).op == &op && s.at(op.way_).parked == nullptr);
    lock.unlock();
    attempt result = op.try_(op, -1);
    lock.lock();
    if (s.closed_ && result != attempt::done) {
        op.error_ = std::make_error_code(std::errc::operation_canceled);
        result = attempt::done;
    }
    if (result == attempt::done) socket_state::ended(op, s.at(op.way_));
    return result;
}

// Makes the multishot receive at the first operation that wants one. Returns false if there is no memory for it; the
// operation has the failure then.
bool socket_ring::has_multishot(socket_state& s, socket_op& op) noexcept {
    if (s.multishot_ != nullptr) return true;
    try {
        auto made = std::make_unique<multishot_receive>(s);
        // A lack of memory is reported here, where no connection is lost by it.
        if (op.path_ == io_path::accept) made->accepted.reserve(multishot_receive::most_connections);
        s.multishot_ = made.release();
    } catch (...) {
        op.failure_ = std::current_exception();
    }
    return s.multishot_ != nullptr;
}

void socket_ring::begin_multishot(socket_state& s, const socket_op& op, ring& r) noexcept {
    BIDE_ASSERT(R1, r.owned_here() && s.multishot_->active_ring == nullptr);
    s.multishot_->active_ring = &r;
    s.multishot_->process = process_generation();
    s.multishot_->accepts = op.path_ == io_path::accept;
    s.multishot_->ending = false;
    ++s.trying_;
    s.add_ref();
    r.queue(*s.multishot_);
}

// The multishot receive is over. It had a reference to the socket, which the caller has to drop after the lock was
// released.
void socket_ring::multishot_ended(socket_state& s) noexcept {
    BIDE_ASSERT(R1, s.multishot_->active_ring->owned_here());
    s.multishot_->active_ring->take_out(*s.multishot_);
    s.multishot_->active_ring = nullptr;
    s.at(direction::in).ready = true;  // bytes may be there that epoll has reported before
    s.try_is_over();
}

// The reference of the multishot receive is not dropped: the parent's list of entries, of which the child has a copy,
// has it.
void socket_ring::forget_inherited_multishot(socket_state& s) noexcept {
    if (!multishot_active(s) || s.multishot_->process == process_generation()) return;
    s.multishot_->active_ring = nullptr;
    s.multishot_->listed_in = ring_entry::place::nowhere;
    s.try_is_over();
}

void socket_ring::multishot_unwanted(socket_state& s) noexcept {
    if (!multishot_active(s)) return;
    if (s.multishot_->listed_in == ring_entry::place::queued) {  // the kernel has not got it yet
        multishot_ended(s);
        s.drop_ref();  // not the last one: the operation has one
    } else if (s.multishot_->listed_in == ring_entry::place::nowhere) {
        s.multishot_->active_ring->rest(*s.multishot_);
    }
}

// Unanalyzed: the caller's guard is released while the ring ends the request.
BIDE_UNANALYZED bool socket_ring::end_multishot(socket_state& s, socket_lock& lock) noexcept {
    forget_inherited_multishot(s);
    if (!multishot_active(s)) return true;
    // The ring stays while the multishot receive is under way, which cannot change before this thread owns the ring or
    // waits.
    ring& r = *s.multishot_->active_ring;
    const ring::ownership mine(r);
    if (!mine) {
        r.ask_to_end(*s.multishot_);
        return false;
    }
    lock.unlock();
    r.end_now(*s.multishot_);
    lock.lock();
    return !multishot_active(s);
}

void socket_ring::drop_received(socket_state& s) noexcept {
    s.returned_ = {};
    s.returned_from_ = 0;
    if (s.multishot_ == nullptr) return;
    for (const int fd : std::exchange(s.multishot_->accepted, {})) ::close(fd);
}

// ---- what the ring calls --------------------------------------------------------------------------------------------

bool socket_ring::multishot_begins(socket_state& s, ring_request& r) noexcept {
    {
        const socket_lock lock(s.lock_);
        r.what = s.multishot_->accepts ? ring_request::kind::accept_many : ring_request::kind::receive_many;
        r.fd = s.fd_;
        if (!s.closed_) return true;
        multishot_ended(s);
    }
    s.drop_ref();
    return false;
}

// Unanalyzed: which ring reports is read without the lock. Only the thread that owns that ring changes it, and that is
// this thread.
BIDE_UNANALYZED void socket_ring::multishot_reports(socket_state& s, const ring_report& r) noexcept {
    socket_op* done = nullptr;
    bool over = false;
    bool too_much = false;
    multishot_receive& multishot = *s.multishot_;
    ring& by = *multishot.active_ring;
    BIDE_ASSERT(R1, by.owned_here());
    {
        socket_lock lock(s.lock_);
        socket_state::side& side = s.at(direction::in);
        if (!r.more) {
            over = true;
            multishot_ended(s);
        }
        if (s.closed_) {
            if (multishot.accepts && r.result >= 0) ::close(r.result);
        } else {
            done = serve_from_multishot(s, r, lock);
        }
        const bool waited_for = side.parked != nullptr && side.parked->in_ring_ && !s.closed_;
        if (multishot_active(s)) {
            if (!waited_for && multishot.listed_in == ring_entry::place::nowhere) by.rest(multishot);
            too_much = !multishot.ending && (s.returned_.size() - s.returned_from_ >= multishot_receive::most_bytes ||
                                             multishot.accepted.size() >= multishot_receive::most_connections);
            if (too_much) multishot.ending = true;
        } else if (waited_for) {
            begin_multishot(s, *side.parked, by);
        } else if (side.parked != nullptr && !s.closed_) {  // a reader on another loop
            side.ready = true;
            done = s.complete(side, lock);
        }
    }
    if (too_much)
        by.cancel(multishot);  // without the lock: the ring may report others before the kernel takes the request
    socket_state::resume(done);
    if (over) s.drop_ref();
}

// Keeps what was reported, and tries the waiting operation with it. Returns that operation if it is over; the caller
// resumes it after releasing the lock (L1).
socket_op* socket_ring::serve_from_multishot(socket_state& s, const ring_report& r, socket_lock& lock) noexcept {
    if (!keep(s, r)) return nullptr;
    socket_state::side& side = s.at(direction::in);
    socket_op* const op = side.parked;
    attempt last = attempt::blocked;
    if (op != nullptr && op->in_ring_ && op->claim()) {
        side.parked = nullptr;
        last = try_received(s, *op, lock);
        if (last != attempt::done) static_cast<void>(s.publish(*op, side));
    }
    keep_bytes(s, s.multishot_->coming);  // more than the operation wanted
    s.multishot_->coming = {};
    s.multishot_->ended = false;  // the system reports an end again to the next request
    return last == attempt::done ? op : nullptr;
}

// Returns false if the report has nothing that would interest a reader.
bool socket_ring::keep(socket_state& s, const ring_report& r) noexcept {
    multishot_receive& in = *s.multishot_;
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
            case ECANCELED:  // this library ended it; or the kernel did, because the thread ends
            case ENOBUFS:    // the ring's buffers were in use, and have come back
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

void socket_ring::keep_bytes(socket_state& s, std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) return;
    if (s.returned_from_ >= s.returned_.size() - s.returned_from_) {  // so that the memory of taken bytes is used again
        s.returned_.erase(s.returned_.begin(), s.returned_.begin() + static_cast<std::ptrdiff_t>(s.returned_from_));
        s.returned_from_ = 0;
    }
    try {
        s.returned_.insert(s.returned_.end(), bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // bytes are lost here, so no later ones may be read in their place
        s.at(direction::in).poisoned = std::make_error_code(std::errc::not_enough_memory);
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
