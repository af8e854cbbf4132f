// SPDX-License-Identifier: BSL-1.0
//
// What bide knows about the calling thread. Nothing here carries meaning across a suspension.
//
// TRAP: a coroutine may be resumed on another thread, and compilers keep the address of a thread-local across a
// suspension point. So headers reach the state only through tls(), which is not inlined. The reference may be kept on
// the native stack, which stays on its thread, and never in a frame (T1).
#pragma once

#include <cstdint>

namespace bide {
inline namespace v0 {

class executor;
class loop;

namespace detail {

struct promise_base;
struct task_node;
class virtual_clock;
struct blocking_region;
class fork_stack;
class nested_wait_scope;
struct thread_sleep;
struct timer_node;

inline constexpr unsigned credits_per_turn =
    128;  // always-ready operations of one task before it goes through the queue

struct thread_state {
    bool suspended = false;       // K5
    fork_stack* forks = nullptr;  // of the worker of a pool
    bool destroying = false;      // true while destroy_cold() runs further down this stack
    unsigned credits = credits_per_turn;
    std::uintptr_t stack_limit =
        ~std::uintptr_t{0};                    // frames nest no deeper (K9); unmeasured: the first check measures
    std::uintptr_t stack_low = 0;              // the lowest address of the thread's own stack
    std::uintptr_t stack_reserve = 0;          // a wait() below this address is refused
    task_node* current = nullptr;              // the chain of frames that runs now; null in plain code
    executor* running = nullptr;               // the innermost executor with a node of its own on this stack
    loop* running_loop = nullptr;              // the innermost loop that is being run on this stack
    loop* idle_loop = nullptr;                 // the thread's current loop, for wait() and with_scope in plain code
    loop* cached_loop = nullptr;               // nobody's now: for the next wait() in plain code,
    bool caches_loops = false;                 // and this thread will destroy it
    virtual_clock* clock = nullptr;            // of the loops that are made now; null: real time (use_clock)
    nested_wait_scope* nested_wait = nullptr;  // the innermost wait() on this stack
    promise_base* deferred_frames = nullptr;   // cold frames whose destruction was put off (depth)
    blocking_region* blocking = nullptr;       // told when a wait() blocks this thread (threads, strand); may be null
    thread_sleep* sleep = nullptr;   // told when a loop on this thread sleeps (threads of an elastic set); may be null
    executor* ended_on = nullptr;    // while a child_end is told: where the child was at its end
    executor* yielded_to = nullptr;  // the executor, no loop, to which the task that ran last only yielded
    std::uint64_t turns_of_yields = 1;     // after so many turns of yielded_to each of its other tasks has run
    timer_node* deferred_timer = nullptr;  // to be armed before anything suspends (loop_access::arm_later),
    loop* deferred_timer_loop = nullptr;   // on this loop
    int unwinding = 0;                     // the kernel is destroying frames of a stopped chain on this stack
    int uncaught_base = 0;                 // std::uncaught_exceptions() when the innermost task on this stack began
};

[[nodiscard]] thread_state& tls() noexcept;

/// wait() calls begin_blocking() before it blocks the calling thread, and end_blocking() when the thread continues; a
/// strand is released in between. Regions nest: an inner one calls `outer` itself.
struct blocking_region {
    blocking_region* outer = nullptr;
    virtual void begin_blocking() noexcept = 0;
    virtual void end_blocking() noexcept = 0;

protected:
    ~blocking_region() = default;
};

/// A loop calls begin_sleep() before this thread sleeps in it, and end_sleep() afterwards: a thread of an elastic set
/// that sleeps in bide does not count against the set's size.
struct thread_sleep {
    virtual void begin_sleep() noexcept = 0;
    virtual void end_sleep() noexcept = 0;
    /// The virtual clock of the test for which this thread works, which does not advance meanwhile; null in real time.
    [[nodiscard]] virtual virtual_clock* clock() const noexcept = 0;

protected:
    ~thread_sleep() = default;
};

/// Returns true if frames must not nest deeper on this native stack (K9).
[[nodiscard]] bool deep() noexcept;

/// Returns true if so little of the thread's stack is left that a wait(), which runs tasks on it, could overflow it.
[[nodiscard]] bool stack_nearly_full() noexcept;

/// Returns true in destructors that run because an exception or a cancellation unwinds the code around them.
[[nodiscard]] bool unwinding_now() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
