// SPDX-License-Identifier: BSL-1.0
//
// The state of the calling thread for the library's own hot paths, which read it without the call to tls(), and the
// running of a ready node by a trampoline.
// TRAP: neither a coroutine nor a function that may be inlined into one may use it: a compiler keeps the address of a
// thread-local across a suspension, after which the frame may be resumed on another thread (T1).
#pragma once

#include "base/static_tls.hpp"

#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/executor.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

BIDE_STATIC_TLS extern constinit thread_local thread_state this_thread;
BIDE_STATIC_TLS extern constinit thread_local std::uint64_t thread_owner;

/// A thread takes ids in blocks, so that making a task touches no shared word.
inline constexpr std::uint64_t ids_in_a_block = 1024;
BIDE_STATIC_TLS extern constinit thread_local std::uint64_t next_id;
void begin_ids() noexcept;
/// new_id(), in line.
inline std::uint64_t take_id() noexcept {
    if (next_id % ids_in_a_block == 0) [[unlikely]]
        begin_ids();
    return next_id++;
}

/// The id under which plain code on this thread locks a mutex.
inline std::uint64_t plain_owner() noexcept {
    if (thread_owner == 0) [[unlikely]]
        thread_owner = new_id();
    return thread_owner;
}

/// Gives the child of a fork that runs nested on this thread a context of its own (F2).
void name_nested_fork() noexcept;
/// Opens the forks of this stack, from the leaf to the frame `at`, which is the child of a fork: other workers may take
/// them (F3).
void open_forks(promise_base* leaf, promise_base* at) noexcept;
void arm_deferred_timer_slowly() noexcept;
/// Arms the guard's timer that loop_access::arm_later has put off, if there is one.
inline void arm_deferred_timer(const thread_state& t) noexcept {
    if (t.deferred_timer != nullptr) [[unlikely]]
        arm_deferred_timer_slowly();
}
inline void name_fork(const thread_state& t) noexcept {
    if (t.forks != nullptr) [[unlikely]]
        name_nested_fork();
}

inline std::uintptr_t stack_pointer() noexcept {
#if defined(__x86_64__)
    std::uintptr_t at;  // NOLINT(cppcoreguidelines-init-variables)
    asm("mov %%rsp, %0" : "=r"(at));
    return at;
#else
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));  // costs the function a frame pointer
#endif
}

/// Sets the limits that depend on where this native stack lies and ends.
void measure_stack(thread_state& t) noexcept;
/// The slow half of deep(): measures the stack if that has not been done, and compares again.
bool really_deep(thread_state& t) noexcept;
/// Returns true if frames must not nest deeper on this native stack (K9).
inline bool deep(thread_state& t) noexcept { return stack_pointer() < t.stack_limit && really_deep(t); }

/// Clears `attached` from the leaf upwards, as far as frames lie on this native stack (K3).
inline void detach_here(thread_state& t, promise_base* leaf) noexcept {
    BIDE_ASSERT(T1, &t == &this_thread);
    t.suspended = true;
    arm_deferred_timer(t);
    for (promise_base* p = leaf; p != nullptr;) {
        slot_base* const s = p->result_slot;
        if ((s->flags & (attached | forked)) != attached) {
            if ((s->flags & attached) != 0) [[unlikely]]
                open_forks(leaf, p);
            break;
        }
        s->flags = static_cast<std::uint8_t>(s->flags & ~attached);
        p = s->waiting_frame();
    }
}

/// Runs one ready node. The caller restores thread_state::current.
inline void run_node(thread_state& t, ready_node& node) noexcept {
    BIDE_ASSERT(T1, &t == &this_thread);
    BIDE_ASSERT(K5, !t.suspended);
    t.credits = credits_per_turn;
    if (node.what == step::resume) [[likely]] {
        auto* const p = static_cast<promise_base*>(&node);
        t.current = p->ctx->owner;
        resume_frame(p);
    } else if (node.what == step::call) {
        t.current = nullptr;
        static_cast<call_node&>(node).call(&static_cast<call_node&>(node));
    } else {
        auto* const p = static_cast<promise_base*>(&node);
        t.current = p->ctx->owner;
        unwind(p);
    }
    t.suspended = false;  // K5
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
