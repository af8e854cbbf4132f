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
    /// Wakes the loop, unless this thread runs it, so that it sleeps no longer than until the new first timer.
    static void timer_became_first(loop& l) noexcept;
    /// Takes the lock, and does both.
    static void arm(loop& l, timer_node& t) noexcept BIDE_EXCLUDES(l.timers_lock_);
    /// Takes the timer out; does nothing if it is not armed.
    static void disarm_locked(loop& l, timer_node& t) noexcept BIDE_REQUIRES(l.timers_lock_);

    /// For a timer whose wait may be over before the loop looks at its timers (a guard, whose operation may not wait at
    /// all): one such is only written down, without the lock, and armed when anything on this thread suspends
    /// (detach_here) or another one comes: so by the time that somebody else can run the chain, it is armed or gone. By
    /// the thread that runs the loop. False: arm it.
    [[nodiscard]] static bool arm_later(loop& l, const context& by, timer_node& t) noexcept;
    /// True: it was only written down, and is not any more.
    [[nodiscard]] static bool disarm_fresh(timer_node& t) noexcept;

    /// What ran last has only yielded; after so many turns everybody of whom it is one has had theirs.
    static void yielded(loop& l, std::uint64_t turns) noexcept {
        ++l.yields_;
        if (turns > l.turns_of_yields_) l.turns_of_yields_ = turns;
    }

    /// What post() does on the thread that runs the loop.
    static void push(loop& l, ready_node& n) noexcept { l.push_local(n); }

    static driver& driver_of(loop& l) noexcept { return *l.driver_; }
    /// The ring of the loop that this thread runs, if the frame lives on that loop itself: then it goes on and ends on
    /// it, so that what is queued for it can be taken out. Else null.
    [[nodiscard]] static ring* ring_of(const promise_base& frame) noexcept;
    /// No other thread will run it, until this one has ended what it has under way (driver::end_ring).
    static void bind_to_this_thread(loop& l) noexcept { l.driver_->thread_bound = true; }
    static submitted_work& work_of(loop& l) noexcept { return l.work_; }
    static noted_edges& noted(loop& l) noexcept { return l.noted_; }

    /// It is on the clock that is in force, and of this process.
    [[nodiscard]] static bool usable(loop& l) noexcept { return l.driver_->current() && !inherited(l); }
    /// Nothing is left in it, so that another wait may use it.
    /// UNANALYZED: it reads the timers without the lock, since nobody else knows an idle loop of which nothing is left.
    [[nodiscard]] static bool reusable(loop& l) noexcept BIDE_UNANALYZED;
    /// The loops that this thread runs now, innermost first, and its idle one.
    [[nodiscard]] static std::vector<const loop*> loops_of_this_thread();
    /// The loops that this thread runs are about to stand still: what is queued for the kernel goes there, and what
    /// rests is ended, so that others can go on with it.
    static void flush_ring_before_block() noexcept;
    [[nodiscard]] static bool running(const loop& l) noexcept { return l.running_; }
    /// Made before a fork(), and this is the child: nobody runs it here.
    [[nodiscard]] static bool inherited(const loop& l) noexcept { return !of_this_process(l.process_); }
    /// Throws usage_error when it is inherited.
    static void check_process(const loop& l) { l.check_process(); }
    [[noreturn]] static void throw_inherited();
    /// Runs a prepared child here and now as what the loop runs. True: it suspended. With the thread's state, and
    /// std::uncaught_exceptions().
    [[nodiscard]] static bool start_inside(loop& l, promise_base* child, thread_state& t, int uncaught) noexcept;
    /// Runs the loop on this thread until the awaited chain has ended.
    static void run_until_done(loop& l, const blocking_wait_base& waited) noexcept { l.run_until_done(waited); }
    /// Runs until `over` is set; the wake-up after setting it is the caller's (wake below).
    static void run_until_set(loop& l, const std::atomic<bool>& over) noexcept { l.run_until_set(over); }
    /// Runs until the service is to stop and nothing is left that runs on this loop.
    static void serve(loop& l, const loop_service& service) noexcept { l.serve(service); }
    /// Asks every task that lives on the loop, or on an executor above it, and was started from elsewhere to stop;
    /// tasks further down are asked by the tree. On the loop's thread. False: nothing lives there.
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
