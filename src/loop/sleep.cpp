// SPDX-License-Identifier: BSL-1.0
//
// The awaiters of sleep_for, sleep_until and yield_now. The awaiting frame's thread parks a sleeping frame in the
// timers of its carrier loop; the thread that runs the carrier claims and resumes it there (on_time, with timers_lock_
// held).
#include "kernel/this_thread.hpp"

#include <bide/detail/base/duration.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/detail/loop/sleep.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

using clock = std::chrono::steady_clock;

sleep_awaiter::sleep_awaiter(promise_base& p, clock::duration d) noexcept
    : leaf_awaiter(p, p.ctx->ex->carrier()), timer_node(&on_time) {
    due = time_limit(d).from(carrier.now());
    ahead = d > clock::duration::zero();
}

sleep_awaiter::sleep_awaiter(promise_base& p, clock::time_point t) noexcept
    : leaf_awaiter(p, p.ctx->ex->carrier()), timer_node(&on_time) {
    due = t;
}

bool sleep_awaiter::try_now() noexcept { return !ahead && due <= carrier.now(); }

bool sleep_awaiter::park() noexcept {
    promise_base* const p = frame;
    loop& on = carrier;  // K3: another thread may end the wait as soon as the lock is given back
    detach(p);
    BIDE_ASSERT(K3, this_thread.suspended && (p->result_slot->flags & attached) == 0);
    // One section: a timer that fired before the leaf is parked would find nothing to claim.
    bool sooner = false;
    bool parked = false;
    {
        lock_guard guard(loop_access::timers_lock(on));
        parked = stop().park(*this);
        sooner = parked && due != clock::time_point::max() && loop_access::arm_locked(on, *this);
    }
    if (!parked) post(p, step::unwind);
    if (sooner) loop_access::timer_became_first(on);
    return true;
}

void sleep_awaiter::on_time(timer_node* t) noexcept {
    auto* self = static_cast<sleep_awaiter*>(t);
    BIDE_ASSERT(L1, !t->armed());  // taken out by the loop, which holds the timers' lock
    if (self->claim()) self->resume();
}

void sleep_awaiter::take_back() noexcept {
    lock_guard guard(loop_access::timers_lock(carrier));
    loop_access::disarm_locked(carrier, *this);
}

namespace {
[[gnu::noinline]] void yield_anywhere(promise_base* p) noexcept {
    const bool stopped = p->ctx->stop->requested();
    executor& ex = *p->ctx->ex;
    detach_here(this_thread, p);
    if (!stopped) note_yield(ex, 1);
    p->what = stopped ? step::unwind : step::resume;
    ex.post(*p);
}
}  // namespace

// The usual case, a frame that the loop itself resumed, puts the frame at the end of the loop's queue. yield_anywhere()
// is a tail call, so that this function saves no registers.
void yield_awaiter::await_suspend(std::coroutine_handle<>) const noexcept {
    promise_base* const p = who_;
    const context& c = *p->ctx;
    loop* const here = this_thread.running_loop;
    if ((p->result_slot->flags & attached) != 0 || here != c.ex || c.stop->requested()) [[unlikely]]
        return yield_anywhere(p);
    BIDE_ASSERT(K3, (p->result_slot->flags & attached) == 0);
    this_thread.suspended = true;  // K3: no frame is below this one on the stack
    p->what = step::resume;
    loop_access::yielded(*here, 1);
    loop_access::push(*here, *p);
}

void note_yield(executor& to, std::uint64_t turns) noexcept {
    thread_state& t = this_thread;
    if (t.running_loop != nullptr && t.running_loop == &to) {
        loop_access::yielded(*t.running_loop, turns);
    } else {
        t.yielded_to = &to;
        t.turns_of_yields = turns;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
