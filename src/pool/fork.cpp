// SPDX-License-Identifier: BSL-1.0
//
// Forking: the awaiting frame of a when_all calls fork_first and fork_nested, on the worker that runs the frame, and
// the end of each child that is a chain of its own comes to fork_node::finish, on the worker on which the child ended.
// The hot path is fork_nesting::run; what it needs of the worker's stack of forks is in fork_stack.hpp.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/pool/fork.hpp>
#include <bide/detail/pool/fork_stack.hpp>
#include <bide/hooks.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- a child as a chain of its own ----------------------------------------------------------------------------------

fork_node::fork_node(fork_group& g, std::uint32_t i, executor& ex, const context& from) noexcept
    : chain_root(task_kind::when_all, g.awaiting->where, &fork_node::on_due), group(g), index(i) {
    blocks_parent = true;
    inherit(ex, &from);
    enlist();
}

// Posts the next one first: so that somebody else may take it meanwhile.
void fork_node::on_due(call_node* node) noexcept {
    auto* const self = static_cast<fork_node*>(node);
    if (self->next_child != nullptr) self->ctx.ex->post(*self->next_child);
    self->begin_cold(self->group.at(self->index), &fork_node::on_end);
}

void fork_node::on_end(call_node* node) noexcept { static_cast<fork_node*>(node)->finish(); }

// What a child's end means for the others: the first failure stops them.
void fork_node::note_end() noexcept {
    fork_group& g = group;
    slot_base& s = g.at(index);
    if (s.state != outcome::value) g.settle(index, stop);
    how = s.state;
    leave_tree();
    if (how != outcome::failed) return;
    BIDE_ASSERT(F6, g.head->left.left() != 0);
    fork_node* none = nullptr;
    // acq_rel: the child that sums up sees which one was first.
    if (!g.head->failed_first.compare_exchange_strong(none, this, std::memory_order_acq_rel, std::memory_order_acquire))
        return;
    // This one is not counted off yet, so the group and the nodes are there.
    for (fork_node* other = g.head; other != nullptr; other = other->next_child)
        if (other != this) other->stop.request(stop_reason::sibling_failed);
}

void fork_node::finish() noexcept {
    note_end();
    fork_group& g = group;
    BIDE_ASSERT(F6, g.head->left.left() != 0);
    if (!g.head->left.take_off()) return;
    promise_base* const awaiting = g.awaiting;
    post(awaiting, g.sum_up());
}

// It ended in line, the others are elsewhere.
fork_step fork_node::join_in_line() noexcept {
    fork_group& g = group;
    promise_base* const awaiting = g.awaiting;
    BIDE_ASSERT(F6, in_line && g.head == this);
    note_end();
    if (g.head->left.is_last()) {  // the results of all others are here
        if (g.sum_up() == step::resume) return fork_step::ended;
        detach(awaiting);
        post(awaiting, step::unwind);
        return fork_step::suspended;
    }
    detach(awaiting);  // before the counter can let anybody resume it
    BIDE_ASSERT(K3, (awaiting->result_slot->flags & attached) == 0);
    if (g.head->left.take_off()) post(awaiting, g.sum_up());
    return fork_step::suspended;
}

// ---- forking --------------------------------------------------------------------------------------------------------

// The hot path has one call in it, that of the child: so it keeps few registers. What is rare goes on elsewhere.
struct fork_nesting {
    [[gnu::always_inline]] static fork_step run(fork_stack& f, fork_group& g, slot_base& s,
                                                std::uint32_t places) noexcept {
        const std::uint32_t at = f.deque_.top();
        promise_base* const p = g.awaiting;
        if (stack_pointer() < this_thread.stack_limit || at + places > fork_stack::places || shift_of(s.child) != 0)
            [[unlikely]]
            return run_rarely(g, s, places);
        BIDE_ASSERT(K9, stack_pointer() >= this_thread.stack_limit);
        BIDE_ASSERT(F1, p->ctx->ex == &f.ex_);
        BIDE_ASSERT(F1, f.unnamed() || f.stale() || this_thread.current == p->ctx->owner);
        promise_base* const child = s.prepare(p, p->ctx, attached | forked);
        if (f.deque_.push(g, at, places)) [[unlikely]]
            return pushed_past_limit(g, s, at, child);
        handle_of(child).resume();
        return after(g, s, at);
    }

private:
    [[gnu::always_inline]] static fork_step after(fork_group& g, slot_base& s, std::uint32_t at) noexcept {
        if (this_thread.suspended) [[unlikely]] {  // K4
            BIDE_ASSERT(F3, this_thread.forks->deque_.top() == 0);
            return fork_step::suspended;
        }
        fork_stack& f = *this_thread.forks;
        BIDE_ASSERT(F3, s.flags == (attached | forked));  // the child did not suspend: nobody has opened its fork
        if (!f.deque_.pop(at) || s.state != outcome::value) [[unlikely]]
            return f.child_returned(g, s, at);
        BIDE_ASSERT(F1, f.told_ <= at && f.mark_ <= at);
        return fork_step::next;
    }
    [[gnu::noinline]] static fork_step pushed_past_limit(fork_group& g, slot_base& s, std::uint32_t at,
                                                         promise_base* child) noexcept {
        if (!this_thread.forks->pushed_past_limit(at)) {
            s.child = child;  // cold again: the awaiting frame destroys it
            return fork_step::no_memory;
        }
        resume_frame(child);
        return after(g, s, at);
    }
    [[gnu::noinline, gnu::cold]] static fork_step run_rarely(fork_group& g, slot_base& s,
                                                             std::uint32_t places) noexcept {
        thread_state& t = this_thread;
        fork_stack& f = *t.forks;
        const std::uint32_t at = f.deque_.top();
        if (deep(t) || at + places > fork_stack::places) return f.queue_all(g, g.next - 1);
        promise_base* const child = s.prepare(g.awaiting, g.awaiting->ctx, attached | forked);
        if (f.deque_.push(g, at, places)) return pushed_past_limit(g, s, at, child);
        resume_frame(child);
        return after(g, s, at);
    }
};

fork_step fork_first(fork_group& g, slot_base& s, std::uint32_t places) noexcept {
    fork_stack* const f = this_thread.forks;
    if (f == nullptr || &f->where() != g.awaiting->ctx->ex) [[unlikely]]
        return fork_step::elsewhere;
    return fork_nesting::run(*f, g, s, places);
}

fork_step fork_nested(fork_group& g, slot_base& s, std::uint32_t places) noexcept {
    return fork_nesting::run(*this_thread.forks, g, s, places);
}

// ---- loops ----------------------------------------------------------------------------------------------------------

bool somebody_hungry() noexcept {
    const fork_stack* const forks = this_thread.forks;
    return forks != nullptr && forks->asked();
}

bool stop_point::stop_seen(promise_base* p) noexcept {
    fork_stack* const forks = this_thread.forks;
    if (forks != nullptr && forks->stale()) forks->materialize_context(p);
    return p->ctx->stop->requested();
}

// ---- a group --------------------------------------------------------------------------------------------------------

// The last child has ended. Afterwards at most one slot holds a failure: the one that is thrown.
step fork_group::sum_up() noexcept {
    const fork_node* const failed = head->failed_first.load(std::memory_order_relaxed);  // relaxed: acquired by `left`
    BIDE_ASSERT(F6, head->left.left() <= 1);
    BIDE_ASSERT(F6, failed == nullptr || failed->how == outcome::failed);
    bool any_stopped = false;
    for (const fork_node* n = head; n != nullptr; n = n->next_child) {
        any_stopped |= n->how == outcome::stopped;
        if (n->how == outcome::failed && n != failed) {
            report_unhandled(take_error(n->index), "a task beside one that decided (combine.hpp)");
            at(n->index).state = outcome::stopped;
        }
    }
    const bool goes_on = failed == nullptr && any_stopped;  // the stop, outwards
    for (fork_node* n = head; n != nullptr;) {
        fork_node* const after = n->next_child;
        fork_stack::discard(*n);
        n = after;
    }
    if (!goes_on) return step::resume;
    drop_values();
    return step::unwind;
}

void fork_group::never_begin(std::uint32_t from) noexcept {
    for (std::uint32_t i = from; i < count(); ++i) {
        slot_base& s = at(i);
        destroy_cold(s.child);
        s.state = outcome::stopped;
    }
}

void fork_group::drop_values() noexcept {
    for (std::uint32_t i = 0; i < count(); ++i)
        if (at(i).state == outcome::value) {
            drop(i);
            at(i).state = outcome::stopped;
        }
}

std::exception_ptr fork_group::take_failure() noexcept {
    std::exception_ptr e;
    for (std::uint32_t i = 0; i < count(); ++i)
        if (at(i).state == outcome::failed) e = take_error(i);
    drop_values();
    return e;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
