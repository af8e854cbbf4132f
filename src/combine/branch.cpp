// SPDX-License-Identifier: BSL-1.0
//
// The life of the branches of a combinator: the awaiting frame's await_suspend calls start(); the executor calls on_due
// for each branch, and on_end when the branch's coroutine has ended; the last branch to end sums up and posts the
// awaiting frame.
#include <bide/detail/combine/branch.hpp>

#include "kernel/this_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/hooks.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- one branch
// ------------------------------------------------------------------------------------------------------

branch_base::branch_base(branch_group& group, const std::source_location& where) noexcept
    : chain_root(kind_of(group.rule_), where, &branch_base::on_due), group_(group) {
    group.add(*this);
}

void branch_base::on_due(call_node* node) noexcept {
    auto* self = static_cast<branch_base*>(node);
    self->content_ = content::nothing;
    self->begin_cold(self->slot_of(), &branch_base::on_end);
}

void branch_base::on_end(call_node* node) noexcept { static_cast<branch_base*>(node)->finish(); }

void branch_base::finish() noexcept {
    BIDE_ASSERT(B2, listed);
    slot_base& s = slot_of();
    if (s.state != outcome::value) settle();
    how_ = s.state;
    content_ = how_ == outcome::stopped ? content::nothing : content::result;
    leave_tree();
    group_.branch_ended(*this);
}

// ---- all of them ----------------------------------------------------------------------------------------------------

void branch_group::add(branch_base& branch) noexcept {
    branch.index_ = count_++;
    branches_.push_back(branch);
}

void branch_group::start(promise_base& awaiting) noexcept {
    materialize_context(&awaiting);
    awaiting_ = &awaiting;
    const context& outer = *awaiting.ctx;
    ctx_.ex = outer.ex;
    ctx_.stop = &stop_;
    ctx_.deadline = outer.deadline;
    ctx_.locals = outer.locals;
    ctx_.owner = outer.owner;
    stop_.link_to(*outer.stop);
    left_.set(count_);  // posting the branches publishes it
    detach(&awaiting);  // K3: before the first branch can end
    BIDE_ASSERT(K3, this_thread.suspended);
    BIDE_ASSERT(F2, awaiting.ctx == &outer);  // linked to the frame's own: detaching has found none to make
    executor& ex = *ctx_.ex;
    // For the wait graph: another branch may end the wait (race, first_success), so the chain does not wait for each
    // one. That a failure may end it too, is not counted on.
    const bool needs_each = count_ == 1 || rule_ == completion_rule::all || rule_ == completion_rule::settled;
    for (branch_base* c = branches_.first(); c != nullptr;) {
        branch_base* const after = c->next_;  // after the last post the group may be gone
        c->inherit(ex, &ctx_);
        c->blocks_parent = needs_each;
        c->enlist();
        ex.post(*c);
        c = after;
    }
}

void branch_group::branch_ended(branch_base& branch) noexcept {
    bool decides = false;
    {
        const lock_guard guard(lock_);
        if (branch.how_ == outcome::failed && first_failed_ == nullptr) first_failed_ = &branch;
        if (decisive_ != nullptr) {
            branch.late_ = branch.how_ == outcome::failed;
        } else {
            switch (rule_) {
                case completion_rule::all:
                    decides = branch.how_ == outcome::failed;
                    break;
                case completion_rule::settled:
                    break;
                case completion_rule::first_success:
                    decides = branch.how_ == outcome::value;
                    break;
                case completion_rule::race:
                    decides = branch.how_ != outcome::stopped;
                    break;
            }
            if (decides) decisive_ = &branch;
        }
    }
    // This branch is not counted off yet, so the group still exists.
    if (decides && count_ > 1)
        stop_.request(rule_ == completion_rule::all ? stop_reason::sibling_failed : stop_reason::scope_end);
    BIDE_ASSERT(B2, left_.left() != 0);
    if (left_.take_off()) conclude();
}

void branch_group::conclude() noexcept {
    stop_.unlink();
    bool any_stopped = false;
    for (const branch_base* c = branches_.first(); c != nullptr; c = c->next_) {
        BIDE_ASSERT(B1, !c->listed && c->content_ != branch_base::content::cold_frame);
        any_stopped |= c->how_ == outcome::stopped;
    }
    const bool outer_stopped = awaiting_->ctx->stop->requested();
    bool propagates_stop = false;  // the awaiting frame is to be unwound
    if (rule_ == completion_rule::settled) {
        propagates_stop = any_stopped && outer_stopped;
    } else if (decisive_ == nullptr) {
        propagates_stop = any_stopped;  // no branch had decided, so the stop request was the awaiting chain's
        if (!any_stopped && rule_ == completion_rule::first_success) decisive_ = first_failed_;
    }
    // Failures that the awaiting frame will not see go to the hook.
    for (branch_base* c = branches_.first(); c != nullptr; c = c->next_) {
        if (c->how_ != outcome::failed || c == decisive_) continue;
        const bool skipped = rule_ == completion_rule::first_success && decisive_ != nullptr &&
                             decisive_->how_ == outcome::value && !c->late_;
        const bool delivered = rule_ == completion_rule::settled && !propagates_stop;
        if (!skipped && !delivered) report_unhandled(c->take_failure(), "a task beside one that decided (combine.hpp)");
    }
    promise_base* const awaiting = awaiting_;
    if (propagates_stop && free_ != nullptr) free_(this);
    post(awaiting, propagates_stop ? step::unwind : step::resume);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
