// SPDX-License-Identifier: BSL-1.0
//
// The kernel: how a chain of coroutine frames is started, suspended, finished and unwound.
//
// Protocol: nested resume. The awaiting frame (the parent) resumes the child inside its own await_suspend. A child that
// ends without suspending frees its frame in line, and the parent's await_suspend returns false, so that the parent
// continues. No tail call is needed, so one protocol and one layout serve every compiler and flag. The rules; each was
// broken once in a trial, and a test hung, leaked or raced:
//
//  K1 Starting a task transfers the ownership of its frame. Before the start, the `task` object owns the cold frame.
//     After it, the frame frees itself: it falls off its end, or the kernel destroys it, once. A parent never destroys
//     a started child.
//  K2 The child writes its result into the slot, which lies in the parent's frame or in a node, so nothing in the
//     child's frame is needed after the child's end. The promise's constructor initialises nothing; prepare() writes
//     what is needed.
//  K3 Detach before publish. The leaf that suspends first clears `attached` in every slot on this native stack (plain
//     stores) and sets thread_state::suspended. Only then may it make the frame visible to a completer or a stop
//     request. After the publication the suspending thread touches neither the frame nor the awaiter.
//  K4 After child.resume() the parent's await_suspend reads nothing but thread_state::suspended. Where that is set, the
//     parent's frame may have been resumed on another thread, and destroyed.
//  K5 Once set, `suspended` stays set until the trampoline (run_ready, or a wait() at the bottom of the stack) has
//     control again. No coroutine is resumed in between.
//  K6 The end of a detached child reads the address of its slot, destroys the frame with its parameters, and delivers
//     the outcome last. If it delivered first, the parent could run while the child's parameters are being destroyed.
//  K7 A stop request posts the leaf's frame as "unwind". The trampoline destroys that frame, marks its slot as stopped,
//     and does the same with the parent, up to a guard, a join or a wait(). Frames die from the leaf outwards, in the
//     order of C++ unwinding, with constant stack use. "Stopped" never completes in line.
//  K8 A value or an exception in a slot always resumes the parent, whose await_resume takes it out. So a slot needs no
//     destructor.
//  K9 The stack pointer bounds the nesting: below a limit of the thread, start_nested() posts the child instead of
//     resuming it.
#pragma once

#include <bide/detail/base/compiler.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/stop_state.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/executor.hpp>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>
#include <type_traits>

namespace bide {
inline namespace v0 {
namespace detail {

struct promise_base;
struct slot_base;
struct task_node;
struct local_link;

using time_point = std::chrono::steady_clock::time_point;

/// What a frame inherits from the frame that awaits it: executor, stop state, deadline, task-locals and the chain's
/// node.
struct context {
    executor* ex = nullptr;
    stop_state* stop = nullptr;
    time_point deadline = time_point::max();
    const local_link* locals = nullptr;
    task_node* owner = nullptr;
    context* copies =
        nullptr;  // the copies for other executors (resume_on), freed with this one. In a copy: its own address

    context() = default;
    context(executor* e, stop_state* s, time_point d, const local_link* l, task_node* o) noexcept
        : ex(e), stop(s), deadline(d), locals(l), owner(o) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    ~context() {
        if (copies != nullptr) [[unlikely]]
            free_copies();
    }
    /// Returns this context with another executor. The copy lives as long as the original; throws bad_alloc.
    context* on(executor& other);

private:
    void free_copies() noexcept;
};

static_assert(std::is_trivially_default_constructible_v<ready_node>);  // K2: the promise's base is not initialised

/// The first base of every bide promise. Not initialised by its constructor (K2).
struct promise_base : ready_node {
    slot_base* result_slot;
    context* ctx;
    std::source_location where;   // the co_await that the frame executes or has suspended at
    std::source_location origin;  // the coroutine function
};

inline std::coroutine_handle<promise_base> handle_of(promise_base* p) noexcept {
    return std::coroutine_handle<promise_base>::from_promise(*p);
}

// A frame whose promise lies elsewhere than handles expect (g++ 12, compiler.hpp) cannot be reached by a handle.
// Therefore bide resumes and destroys frames by resume_frame() and destroy_frame() alone, and no awaiter asks a handle
// for its promise: native_awaiter() is given the promise.
inline void resume_frame(promise_base* p) noexcept {
    if (shift_of(p) == 0) [[likely]]
        handle_of(p).resume();
    else
        resume_shifted(p);
}
inline void destroy_frame(promise_base* p) noexcept {
    if (shift_of(p) == 0) [[likely]]
        handle_of(p).destroy();
    else
        destroy_shifted(p);
}

enum slot_flag : std::uint8_t {
    attached = 1,  // the code that resumed the child is still below it on this native stack
    custom = 2,    // the end of the child is reported to a `child_end`; no parent is resumed
    forked = 4,    // with `attached`: a child of a fork other than the last one (fork.hpp)
};
enum class outcome : std::uint8_t { value, failed, stopped };

/// What is called when a detached child with the flag `custom` has ended. The call happens on the executor on which the
/// child ended, which thread_state::ended_on names: resume_on may have moved the child. A walk up the frames continues
/// at `waiting_frame`.
struct child_end {
    promise_base* waiting_frame;                            // the frame that waits; null for a wait() in plain code
    void (*ended)(child_end* self, slot_base* s) noexcept;  // called after the child's frame was destroyed
};

/// Where a child's result arrives.
struct slot_base {
    union {
        promise_base* child;   // before the start: the cold frame
        promise_base* parent;  // after it, without `custom`
        child_end* end;        // after it, with `custom`
    };
    std::uint8_t flags;
    outcome state;

    explicit slot_base(promise_base* cold) noexcept : child(cold) {}
    slot_base(const slot_base&) = delete;
    slot_base& operator=(const slot_base&) = delete;

    [[nodiscard]] promise_base* waiting_frame() const noexcept {
        return (flags & custom) != 0 ? end->waiting_frame : parent;
    }

    promise_base* prepare(promise_base* awaiting, context* c, std::uint8_t f) noexcept {
        promise_base* p = child;
        parent = awaiting;
        flags = f;
        state = outcome::value;
        p->result_slot = this;
        p->ctx = c;
        return p;
    }
    promise_base* prepare(child_end* e, context* c, std::uint8_t f) noexcept {
        promise_base* p = prepare(static_cast<promise_base*>(nullptr), c, static_cast<std::uint8_t>(f | custom));
        end = e;
        return p;
    }
};

/// Resumes a prepared, attached child on this native stack. Returns true if it suspended: the caller then touches
/// neither the child nor the awaiting frame any more (K4).
[[nodiscard]] bool start_nested(promise_base* child) noexcept;

/// Clears `attached` from `p` upwards and sets thread_state::suspended (K3). A leaf calls it before it publishes `p`.
void detach(promise_base* p) noexcept;

/// Gives a child of a fork a context of its own (F2). Code that links something to the context of a running frame,
/// changes it or keeps it calls this first. Costs one comparison where there are no forks.
void materialize_context(promise_base* p) noexcept;

/// Posts the forks that detaching has opened on a pool. The trampoline does that otherwise; code that runs on for long
/// after detach(), such as foreign code, calls this so that other workers need not wait for it.
void post_opened_forks() noexcept;

/// Posts a detached frame to its executor. Afterwards the frame belongs to the thread that runs it.
inline void post(promise_base* p, step what) noexcept {
    BIDE_ASSERT(K3, (p->result_slot->flags & attached) == 0);
    p->what = what;
    p->ctx->ex->post(*p);
}

/// Tells the parent, or the `child_end`, that a child has ended on `here`. The child's frame has been destroyed already
/// (K6).
void deliver(slot_base* s, executor* here) noexcept;

/// Destroys a stopped chain of frames from its leaf upwards (K7). The trampoline calls it.
void unwind(promise_base* leaf) noexcept;

/// Destroys a frame that was never started. Frames that own frames through their parameters do not recurse without
/// bound.
void destroy_cold(promise_base* p) noexcept;

/// Destroys a frame whose task the user dropped, and reports that in dev mode.
void drop_cold(promise_base* p) noexcept;

/// A ready node that calls a function of bide's.
struct call_node : ready_node {
    void (*call)(call_node* self) noexcept;
    explicit call_node(void (*f)(call_node*) noexcept) noexcept : ready_node{nullptr, step::call}, call(f) {}
};

/// The end of every task coroutine.
struct final_awaiter {
    promise_base* p;
    // An attached frame falls off its end, which frees it, and control returns to the parent's await_suspend.
    [[nodiscard]] bool await_ready() const noexcept {
        BIDE_ASSERT(K7, p->result_slot->state != outcome::stopped);
        return (p->result_slot->flags & attached) != 0;
    }
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<>) noexcept {
        slot_base* s = p->result_slot;
        executor* here = p->ctx->ex;
        destroy_frame(p);  // K6
        deliver(s, here);
    }
    void await_resume() const noexcept {}
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
