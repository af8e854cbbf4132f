// SPDX-License-Identifier: BSL-1.0
//
// deadline_guard: arms a timer for an operation, and takes it out when the operation has ended first.
//
// enter() and leave() are called on the awaiting chain's executor. The carrier loop's thread calls on_time() with its
// timer lock held, and on_posted() as a ready node.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/guard/deadline.hpp>

#include <bide/detail/loop/loop_access.hpp>
#include <bide/loop.hpp>

#include <algorithm>

namespace bide {
inline namespace v0 {
namespace detail {

using clock = std::chrono::steady_clock;

deadline_guard::deadline_guard(time_limit limit, bool shielded) noexcept
    : timer_node(&deadline_guard::on_time), call_node(&deadline_guard::on_posted), limit_(limit), shielded_(shielded) {}

void deadline_guard::enter(context& outer) noexcept {
    if (shielded_)
        ctx_.deadline = clock::time_point::max();
    else
        stop_.link_to(*outer.stop);
    if (limit_.never()) return;
    loop& carrier = outer.ex->carrier();
    const clock::time_point now = carrier.now();
    due = limit_.from(now);
    if (due <= now) {
        ctx_.deadline = std::min(ctx_.deadline, due);
        expired_ = true;
        stop_.request(stop_reason::deadline);
        return;
    }
    if (due >= ctx_.deadline) return;  // an outer guard is first
    ctx_.deadline = due;
    carrier_ = &carrier;
    if (!loop_access::arm_later(carrier, outer, *this)) loop_access::arm(carrier, *this);
}

bool deadline_guard::leave(bool in_line) noexcept {
    return carrier_ == nullptr || loop_access::disarm_fresh(*this) || disarm(in_line);
}

bool deadline_guard::disarm(bool in_line) noexcept {
    arm_deferred_timer(this_thread);  // TRAP: detach() arms it too, and would take the same lock below
    const lock_guard locked(loop_access::timers_lock(*carrier_));
    loop_access::disarm_locked(*carrier_, *this);
    if (!posted_) return true;
    if (in_line) detach(waiting_frame);  // before on_posted(), perhaps on another thread, can read waiting_
    waiting_ = true;
    return false;
}

// Called by the carrier loop's thread, which holds its timer lock.
void deadline_guard::on_time(timer_node* node) noexcept {
    auto* self = static_cast<deadline_guard*>(node);
    self->posted_ = true;
    self->carrier_->post(*self);
}

void deadline_guard::on_posted(call_node* node) noexcept {
    auto* self = static_cast<deadline_guard*>(node);
    self->expired_ = true;  // the request below, or the lock, publishes it to the awaiting chain
    self->stop_.request(stop_reason::deadline);
    bool finishes = false;
    {
        const lock_guard locked(loop_access::timers_lock(*self->carrier_));
        self->posted_ = false;
        finishes = self->waiting_;
    }
    if (finishes) self->finish();
}

// The carrier loop may not have fired the timer: a wait() in plain code, which inherited the same deadline, may have
// blocked it.
void deadline_guard::ended_without_value() noexcept {
    if (carrier_ == nullptr || expired_ || carrier_->now() < due) return;
    expired_ = true;
    stop_.request(stop_reason::deadline);
}

void deadline_guard::throw_stopped() const {
    if (expired_) throw timed_out();
    throw cancelled(stop_.requested() ? stop_.reason() : stop_reason::user);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
