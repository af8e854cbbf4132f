// SPDX-License-Identifier: BSL-1.0
//
// The loop's machinery, for bide's own rooms (timers, I/O, waits, threads).
#pragma once

#include <bide/detail/base/process.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/detail/loop/driver.hpp>
#include <bide/loop.hpp>

#include <atomic>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

class blocking_wait_base;
class loop_service;

struct loop_access {
    /// The lock that guards the loop's timers. A timer that is due is taken out, and its fire() called, with the lock
    /// held.
    static spin_lock& timers_lock(loop& l) noexcept BIDE_RETURN_CAPABILITY(l.timers_lock_) { return l.timers_lock_; }
    /// Arms a timer, from any thread. Returns true if no other timer of the loop is due before: the caller gives the
    /// lock back and then calls timer_became_first().
    [[nodiscard]] static bool arm_locked(loop& l, timer_node& t) noexcept BIDE_REQUIRES(l.timers_lock_);
    /// Wakes the loop, unless this thread runs it: the loop must not sleep past the new first timer.
    static void timer_became_first(loop& l) noexcept;
    /// Takes the lock, arms the timer, and wakes the loop where needed.
    static void arm(loop& l, timer_node& t) noexcept BIDE_EXCLUDES(l.timers_lock_);
    /// Takes the timer out; does nothing if it is not armed.
    static void disarm_locked(loop& l, timer_node& t) noexcept BIDE_REQUIRES(l.timers_lock_);

    /// Defers a timer whose wait may be over before the loop looks at its timers (a guard's, whose operation may not
    /// wait at all). The thread keeps one such timer, without the lock, and arms it when anything on this thread
    /// suspends (detach_here), or when another timer comes. So the timer is armed or gone before another thread can run
    /// the chain. The thread that runs the loop calls it. Returns false if the caller has to arm the timer.
    [[nodiscard]] static bool arm_later(loop& l, const context& by, timer_node& t) noexcept;
    /// Returns true if the timer was deferred and not armed yet; it is forgotten.
    [[nodiscard]] static bool disarm_fresh(timer_node& t) noexcept;

    /// The node that runs now has only yielded. After `turns` turns of the loop every task of its executor has run.
    static void yielded(loop& l, std::uint64_t turns) noexcept {
        ++l.yields_;
        if (turns > l.turns_of_yields_) l.turns_of_yields_ = turns;
    }

    /// Does what post() does on the thread that runs the loop.
    static void push(loop& l, ready_node& n) noexcept { l.push_local(n); }

    static driver& driver_of(loop& l) noexcept { return *l.driver_; }
    /// Returns the ring of the loop that this thread runs, if that loop itself is the frame's executor; else null. Such
    /// a frame resumes and ends on this thread, which may take the frame's queued entries out of the ring.
    [[nodiscard]] static ring* ring_of(const promise_base& frame) noexcept;
    /// Promises that no other thread runs the loop before this thread has called driver::end_ring().
    static void bind_to_this_thread(loop& l) noexcept { l.driver_->thread_bound = true; }
    static submitted_work& work_of(loop& l) noexcept { return l.work_; }
    static noted_edges& noted(loop& l) noexcept { return l.noted_; }

    /// Returns true if the loop keeps the time of this thread's clock, and was made in this process.
    [[nodiscard]] static bool usable(loop& l) noexcept { return l.driver_->current() && !inherited(l); }
    /// Returns true if nothing is left in the loop, so that another wait may use it.
    /// UNANALYZED: it reads the timers without the lock, since no other thread knows an idle loop in which nothing is
    /// left.
    [[nodiscard]] static bool reusable(loop& l) noexcept BIDE_UNANALYZED;
    /// Returns the loops that this thread runs now, innermost first, and its idle one.
    [[nodiscard]] static std::vector<const loop*> loops_of_this_thread();
    /// Called before this thread blocks, and with it the loops that it runs: hands their queued entries over to the
    /// kernel, and ends their resting entries, so that other loops can go on with those sockets.
    static void flush_ring_before_block() noexcept;
    [[nodiscard]] static bool running(const loop& l) noexcept { return l.running_; }
    /// Returns true in the child of a fork() if the parent made the loop: no thread runs it here.
    [[nodiscard]] static bool inherited(const loop& l) noexcept { return !of_this_process(l.process_); }
    /// Throws usage_error if the loop is inherited.
    static void check_process(const loop& l) { l.check_process(); }
    [[noreturn]] static void throw_inherited();
    /// Runs a prepared child on this stack, as if the loop ran it. Returns true if the child suspended. `uncaught` is
    /// std::uncaught_exceptions().
    [[nodiscard]] static bool start_inside(loop& l, promise_base* child, thread_state& t, int uncaught) noexcept;
    /// Runs the loop on this thread until the awaited chain has ended.
    static void run_until_done(loop& l, const blocking_wait_base& waited) noexcept { l.run_until_done(waited); }
    /// Runs the loop until `over` is set. The setter calls wake() afterwards.
    static void run_until_set(loop& l, const std::atomic<bool>& over) noexcept { l.run_until_set(over); }
    /// Runs the loop until the service was asked to stop and nothing is left that runs on this loop.
    static void serve(loop& l, const loop_service& service) noexcept { l.serve(service); }
    /// Asks each task to stop that lives on the loop or on an executor above it, and whose parent lives elsewhere: the
    /// request walks down the tree to the others. On the loop's thread. Returns false if no task lives there.
    static bool stop_live(loop& l, stop_reason why) noexcept;
    static void wake(loop& l) noexcept;
    [[nodiscard]] static bool spin_for_change(loop& l, const std::atomic<std::size_t>& count,
                                              std::size_t now) noexcept {
        return l.spin_for_change(count, now);
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
