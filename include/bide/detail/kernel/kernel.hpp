// SPDX-License-Identifier: BSL-1.0
//
// The kernel: how a chain of coroutine frames is started, suspended, finished and unwound.
//
// Protocol: nested resume. Awaiting a child resumes it inside the parent's await_suspend; if the child ends without
// really suspending, its frame frees itself in line and the parent goes on by `return false`. No tail call is needed,
// so one protocol and one layout serve every compiler and flag. The rules, each broken once in a trial and found:
//
//  K1 Ownership moves at the start: before, `task` owns a cold frame; from then on the frame frees itself (it falls off
//     its end, or the kernel destroys it, once). A parent's frame never destroys a started child.
//  K2 The result is written into the slot, which lives in the parent's frame (or in a node): nothing of the child has
//     to outlive its end. The promise's constructor initialises nothing; start() writes what is needed.
//  K3 Detach before publish. Whoever really suspends first walks up and clears `attached` in every slot on this native
//     stack (plain stores), sets thread_state::suspended, and only then makes the frame visible to anybody else.
//     After the publication it touches neither frame nor awaiter.
//  K4 After child.resume() a level reads nothing but thread_state::suspended. If it is set, the frame may be gone.
//  K5 Once set, `suspended` stays set until the trampoline (run_ready, or a wait at the bottom) has control again.
//  K6 End of a detached child: read the slot's address, destroy the frame (parameters die), then deliver. Delivering
//     first would let the parent run while the child's parameters are being destroyed.
//  K7 Stopped: the leaf is posted as "unwind". The trampoline destroys the frame, marks the slot, goes on to the
//     parent, until a catcher, a join or a blocking wait: leaf to outermost, constant stack, the order of C++ unwinding. Stopped
//     never completes in line.
//  K8 A value or an exception in a slot always resumes the parent, whose await_resume takes it: slots need no
//     destructor.
//  K9 Depth: the stack pointer is compared with a per-thread limit; below it a child is queued instead of nested.
#pragma once

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

/// What a frame inherits from whoever awaits it: where it runs, who may stop it, until when, with which task-locals.
struct context {
    executor* ex = nullptr;
    stop_state* stop = nullptr;
    time_point deadline = time_point::max();
    const local_link* locals = nullptr;
    task_node* owner = nullptr;
    context* copies = nullptr;  // for other executors (resume_on), freed with it; of a copy: itself

    context() = default;
    context(executor* e, stop_state* s, time_point d, const local_link* l, task_node* o) noexcept
        : ex(e), stop(s), deadline(d), locals(l), owner(o) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    ~context() {
        if (copies != nullptr) [[unlikely]]
            free_copies();
    }
    /// The same context on another executor; lives as long as this one.
    context* on(executor& other);

private:
    void free_copies() noexcept;
};

static_assert(std::is_trivially_default_constructible_v<ready_node>);  // K2: the promise's base is not initialised

/// The first base of every bide promise. Not initialised by its constructor (K2).
struct promise_base : ready_node {
    slot_base* result_slot;
    context* ctx;
    std::source_location where;   // the co_await at which it stands
    std::source_location origin;  // the coroutine function
};

inline std::coroutine_handle<promise_base> handle_of(promise_base* p) noexcept {
    return std::coroutine_handle<promise_base>::from_promise(*p);
}

// A frame is: function to resume, function to destroy, promise, the rest. But where a condition awaits (if, while, for,
// do, switch) and no block around it declares a variable, g++ 12 keeps the condition's value in the frame's first bytes
// and moves everything up by a word. Handles made from such a promise, and promises found from such a handle, are off
// by that word then. So bide resumes and destroys by the two functions below and nothing else, and no awaiter asks a
// handle for its promise: it is told (native_awaiter). Frames begin where new may put them, which shows the shift.
inline std::uintptr_t shift_of(const promise_base* p) noexcept {
    return (reinterpret_cast<std::uintptr_t>(p) - 2 * sizeof(void*)) % __STDCPP_DEFAULT_NEW_ALIGNMENT__;
}
void resume_shifted(promise_base* p) noexcept;
void destroy_shifted(promise_base* p) noexcept;

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
    attached = 1,  // whoever resumed the child is below it on this native stack
    custom = 2,    // the end of the child is reported to a `child_end` instead of resuming a parent
    forked = 4,    // with attached: the child of a fork, and not its last; see fork.hpp
};
enum class outcome : std::uint8_t { value, failed, stopped };

/// Told when a detached child with the flag `custom` has ended; on the executor of the child, which may have moved
/// (resume_on): thread_state::ended_on says where. Also the place where a walk up the frames goes on.
struct child_end {
    promise_base* waiting_frame;                            // the frame that waits, or null (a wait() in plain code)
    void (*ended)(child_end* self, slot_base* s) noexcept;  // the child's frame is gone already
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

/// Runs a prepared, attached child here and now. True: something suspended; nothing of it may be touched any more.
[[nodiscard]] bool start_nested(promise_base* child) noexcept;

/// K3: to be called by whoever is about to suspend for real, before anybody else can see `p`.
void detach(promise_base* p) noexcept;

/// To be called before anything is linked to the context of a running frame, or changes it: a child of a fork gets one
/// of its own (F2). Costs a look where there are no forks.
void materialize_context(promise_base* p) noexcept;

/// For whoever has detached, and goes on with code that may take long: what detaching has opened on a pool is handed
/// out now, not at the trampoline.
void post_opened_forks() noexcept;

/// Posts the frame to its executor.
inline void post(promise_base* p, step what) noexcept {
    BIDE_ASSERT(K3, (p->result_slot->flags & attached) == 0);
    p->what = what;
    p->ctx->ex->post(*p);
}

/// Hands the outcome of a child whose frame is gone, and which ended on `here`, to whoever waits for it.
void deliver(slot_base* s, executor* here) noexcept;

/// Destroys a stopped chain of frames from its leaf upwards.
void unwind(promise_base* leaf) noexcept;

/// Destroys a frame that was never started; deep ownership chains do not recurse without bound.
void destroy_cold(promise_base* p) noexcept;

/// The same for one that the user dropped: reported in dev mode.
void drop_cold(promise_base* p) noexcept;

/// A ready node that is a function of bide's own.
struct call_node : ready_node {
    void (*call)(call_node* self) noexcept;
    explicit call_node(void (*f)(call_node*) noexcept) noexcept : ready_node{nullptr, step::call}, call(f) {}
};

/// The end of every task coroutine.
struct final_awaiter {
    promise_base* p;
    // Attached: the frame frees itself on falling off its end, and control returns to the parent's await_suspend.
    [[nodiscard]] bool await_ready() const noexcept { return (p->result_slot->flags & attached) != 0; }
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<>) noexcept {
        slot_base* s = p->result_slot;
        executor* here = p->ctx->ex;
        BIDE_ASSERT(K7, s->state != outcome::stopped);
        destroy_frame(p);  // K6
        deliver(s, here);
    }
    void await_resume() const noexcept {}
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
