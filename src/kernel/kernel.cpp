// SPDX-License-Identifier: BSL-1.0
//
// The protocol of kernel.hpp where it need not be in line: a context on another executor, starting a child nested,
// ending, unwinding a stopped chain, and destroying frames that never began. All of it runs on the thread that runs
// the chain of frames in question; start_nested() is called by every co_await of a task, unwind() by the trampoline,
// drop_cold() by a task's destructor.
#include "base/place.hpp"
#include "kernel/this_thread.hpp"

#include <bide/detail/kernel/frame.hpp>
#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/hooks.hpp>

#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- contexts and nodes -------------------------------------------------------------------------------------------

namespace {
struct context_copy : context {
    context& original;
    context* next_copy;

    context_copy(context& of, executor& on) noexcept
        : context(&on, of.stop, of.deadline, of.locals, of.owner), original(of), next_copy(of.copies) {
        copies = this;
        of.copies = this;
    }
};
}  // namespace

context* context::on(executor& other) {
    context& original = copies == this ? static_cast<context_copy*>(this)->original : *this;
    if (original.ex == &other) return &original;
    for (context* c = original.copies; c != nullptr; c = static_cast<context_copy*>(c)->next_copy)
        if (c->ex == &other) return c;
    return new context_copy(original, other);
}

void context::free_copies() noexcept {
    if (copies == this) return;
    while (copies != nullptr) {
        auto* const first = static_cast<context_copy*>(copies);
        copies = first->next_copy;
        delete first;
    }
}

// ---- suspending ---------------------------------------------------------------------------------------------------

void detach(promise_base* p) noexcept { detach_here(this_thread, p); }

namespace {
[[gnu::noinline, gnu::cold]] bool start_otherwise(promise_base* child) noexcept {
    if (deep(this_thread)) {
        detach(child);
        post(child, step::resume);
        return true;
    }
    BIDE_ASSERT(K5, !this_thread.suspended);
    resume_frame(child);
    return this_thread.suspended;
}
}  // namespace

[[gnu::noinline]] bool start_nested(promise_base* child) noexcept {
    if (stack_pointer() < this_thread.stack_limit || shift_of(child) != 0) [[unlikely]]
        return start_otherwise(child);
    BIDE_ASSERT(K5, !this_thread.suspended);
    BIDE_ASSERT(K9, stack_pointer() >= this_thread.stack_limit);
    handle_of(child).resume();
    return this_thread.suspended;  // K4
}

// ---- ending -------------------------------------------------------------------------------------------------------

namespace {
void report_end(slot_base* s, executor* here) noexcept {
    this_thread.ended_on = here;
    s->end->ended(s->end, s);
}
}  // namespace

void deliver(slot_base* s, executor* here) noexcept {
    if ((s->flags & custom) != 0)
        report_end(s, here);
    else
        post(s->parent, step::resume);
}

void unwind(promise_base* p) noexcept {
    thread_state& t = this_thread;
    if (task_node& chain = *p->ctx->owner; chain.kind == task_kind::scope && defer_body_unwind(chain, p)) return;
    executor* const here = p->ctx->ex;
    ++t.unwinding;
    for (;;) {
        slot_base* s = p->result_slot;
        BIDE_ASSERT(K7, (s->flags & attached) == 0);
        destroy_frame(p);  // locals in reverse order, then parameters; the awaiter first
        s->state = outcome::stopped;
        if ((s->flags & custom) != 0) {
            --t.unwinding;
            report_end(s, here);
            return;
        }
        p = s->parent;
        if (p->ctx->ex != here) {  // resume_on had moved the child: the parent unwinds on its own executor
            --t.unwinding;
            post(p, step::unwind);
            return;
        }
    }
}

// ---- frames that were never started -------------------------------------------------------------------------------

// A cold frame may own other cold frames through its parameters. They are destroyed in their natural order while the
// native stack has room, and from a list after that.
void destroy_cold(promise_base* p) noexcept {
    thread_state& t = this_thread;
    if (t.destroying && deep(t)) {  // the outermost call on this stack destroys it
        p->next = t.deferred_frames;
        t.deferred_frames = p;
        return;
    }
    const bool outer = !std::exchange(t.destroying, true);
    destroy_frame(p);
    if (!outer) return;
    while (promise_base* deferred = t.deferred_frames) {
        t.deferred_frames = static_cast<promise_base*>(deferred->next);
        destroy_frame(deferred);
    }
    t.destroying = false;
}

void drop_cold(promise_base* p) noexcept {
    if (dev_mode() && !this_thread.destroying && this_thread.unwinding == 0 &&
        std::uncaught_exceptions() == this_thread.uncaught_base) {
        try {
            const std::source_location& o = p->origin;
            report(
                std::string("task dropped: ") + o.function_name() + " (" + place_of(o) +
                ") was called but never awaited, waited for or started, so nothing of it ran; co_await it, .wait() for "
                "it, or start it in a scope");
        } catch (...) {  // no memory for the message: the drop itself is harmless
        }
    }
    destroy_cold(p);
}

}  // namespace detail

}  // namespace v0
}  // namespace bide
