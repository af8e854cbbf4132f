// SPDX-License-Identifier: BSL-1.0
#include "base/place.hpp"
#include "kernel/this_thread.hpp"

#include <bide/detail/kernel/frame.hpp>
#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/hooks.hpp>

#include <pthread.h>
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- the thread ---------------------------------------------------------------------------------------------------

BIDE_STATIC_TLS constinit thread_local thread_state this_thread;

BIDE_STATIC_TLS constinit thread_local std::uint64_t thread_owner = 0;

namespace {

constexpr std::uintptr_t nest_bytes = std::uintptr_t{256} * 1024;  // how far frames may nest on one native stack

// Never nests beyond half of the stack that there is; waits keep off its last eighth.
[[gnu::noinline, gnu::cold]] void measure_stack(thread_state& t) noexcept {
    void* low = nullptr;
    std::size_t size = 0;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    t.stack_low = reinterpret_cast<std::uintptr_t>(low);
    t.stack_reserve = t.stack_low + std::min<std::size_t>(size / 8, std::size_t{1} << 20);
    const auto middle = t.stack_low + size / 2;
    const auto wanted = stack_pointer() - nest_bytes;
    t.stack_limit = wanted > middle ? wanted : middle;
}

}  // namespace

[[gnu::noinline, gnu::cold]] bool really_deep(thread_state& t) noexcept {
    if (t.stack_limit != ~std::uintptr_t{0}) return true;
    measure_stack(t);
    return stack_pointer() < t.stack_limit;
}

[[gnu::noinline]] thread_state& tls() noexcept { return this_thread; }

bool deep() noexcept { return deep(this_thread); }

bool stack_nearly_full() noexcept {
    thread_state& t = this_thread;
    if (t.stack_reserve == 0) [[unlikely]]
        measure_stack(t);
    const std::uintptr_t here = stack_pointer();
    return here < t.stack_reserve && here >= t.stack_low;  // elsewhere: on a stack of somebody else's
}

bool unwinding_now() noexcept {
    return this_thread.unwinding != 0 || std::uncaught_exceptions() > this_thread.uncaught_base;
}

BIDE_STATIC_TLS constinit thread_local std::uint64_t next_id = 0;
[[gnu::noinline]] void begin_ids() noexcept {
    static constinit std::atomic<std::uint64_t> next_block{1};
    // relaxed: only uniqueness counts.
    next_id = next_block.fetch_add(1, std::memory_order_relaxed) * ids_in_a_block;
}
std::uint64_t new_id() noexcept { return take_id(); }

context* current_context() noexcept {
    name_fork(this_thread);
    task_node* now = this_thread.current;
    return now != nullptr ? now->active : nullptr;
}

std::uint64_t current_owner() noexcept {
    name_fork(this_thread);
    if (this_thread.current != nullptr) return this_thread.current->owner;
    return plain_owner();
}

// ---- contexts and nodes -------------------------------------------------------------------------------------------

namespace {
struct context_copy : context {
    context& original;
    context* next_copy;  // the next copy

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

const char* to_string(task_kind kind) noexcept {
    switch (kind) {
        case task_kind::task:
            return "task";
        case task_kind::wait:
            return "wait";
        case task_kind::scope:
            return "scope";
        case task_kind::job:
            return "job";
        case task_kind::program:
            return "program";
        case task_kind::when_all:
            return "when_all";
        case task_kind::when_all_settled:
            return "when_all_settled";
        case task_kind::race:
            return "race";
        case task_kind::first_success:
            return "first_success";
    }
    return "?";
}

task_node::task_node(task_kind what, const std::source_location& where) noexcept : task_node(what, where, take_id()) {}

// ---- suspending ---------------------------------------------------------------------------------------------------

void detach(promise_base* p) noexcept { detach_here(this_thread, p); }

namespace {
[[gnu::noinline, gnu::cold]] bool start_otherwise(promise_base* child) noexcept {
    if (deep(this_thread)) {
        detach(child);
        post(child, step::resume);
        return true;
    }
    resume_frame(child);
    return this_thread.suspended;
}
}  // namespace

[[gnu::noinline]] bool start_nested(promise_base* child) noexcept {
    if (stack_pointer() < this_thread.stack_limit || shift_of(child) != 0) [[unlikely]]
        return start_otherwise(child);
    handle_of(child).resume();
    return this_thread.suspended;  // K4
}

// What a handle's functions do, for a frame whose beginning they would not find (see kernel.hpp).
namespace {
using frame_function = void (*)(void* frame);
[[gnu::noinline, gnu::cold]] void call_in_frame(promise_base* p, std::ptrdiff_t words_before) noexcept {
    auto* const bytes = reinterpret_cast<std::byte*>(p);
    frame_function f = nullptr;
    std::memcpy(static_cast<void*>(&f), bytes - words_before * static_cast<std::ptrdiff_t>(sizeof(void*)), sizeof f);
    f(bytes - 2 * sizeof(void*) - shift_of(p));
}
}  // namespace
void resume_shifted(promise_base* p) noexcept { call_in_frame(p, 2); }
void destroy_shifted(promise_base* p) noexcept { call_in_frame(p, 1); }

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
        destroy_frame(p);  // locals in reverse order, then parameters; the awaiter first
        s->state = outcome::stopped;
        if ((s->flags & custom) != 0) {
            --t.unwinding;
            report_end(s, here);
            return;
        }
        p = s->parent;
        if (p->ctx->ex != here) {  // the child had moved to another executor: its parent unwinds on its own
            --t.unwinding;
            post(p, step::unwind);
            return;
        }
    }
}

// ---- frames that were never started -------------------------------------------------------------------------------

// A cold frame may own others through its parameters. Natural order while the stack lasts, then a list.
void destroy_cold(promise_base* p) noexcept {
    thread_state& t = this_thread;
    if (t.destroying && deep(t)) {  // whoever is destroying further up takes it from the list
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

// ---- the trampoline -----------------------------------------------------------------------------------------------

void run_ready(ready_node& node) noexcept {
    detail::thread_state& t = detail::this_thread;
    name_fork(t);                                 // what runs below us in a fork is told now, as itself
    detail::task_node* const before = t.current;  // an executor of the user's may run nodes in the midst of anything
    run_node(t, node);
    t.current = before;
}

}  // namespace v0
}  // namespace bide
