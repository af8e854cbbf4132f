// SPDX-License-Identifier: BSL-1.0
//
// scope_core: the count and the lists of a scope, what a failure means for the rest, and the end of the scope.
//
// Any thread that starts into the scope calls adopt(). The executor of a task calls ended() for it. The chain of the
// body calls what is about the body and the end. The two functions that the kernel asks about a scope's body are at the
// end of their part: seams, because the kernel knows no scope_core.
#include "base/place.hpp"
#include "kernel/describe.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/scope/scope_core.hpp>
#include <bide/hooks.hpp>

#include <algorithm>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

scope_core::scope_core(const scope_options& o, const std::source_location& where) noexcept
    : task_node(task_kind::scope, where), child_end{nullptr, nullptr}, options(o) {
    blocks_parent = true;
}

// Unanalyzed, without the lock: nothing runs in the scope any more.
BIDE_UNANALYZED scope_core::~scope_core() {
    BIDE_ASSERT(S1, count_.empty() && live_.empty());
    while (started_base* n = failed_.first()) {
        failed_.remove(*n);
        n->state().drop_ref();
    }
}

void scope_core::open(executor& ex, const context* from, bool shielded) noexcept {
    owner =
        from != nullptr ? from->owner->owner : current_owner();  // what the body locks, its task or thread has locked
    if (!shielded || from == nullptr) {
        inherit(ex, from);
    } else {  // neither the stop that unwinds the code around it nor its deadline
        ctx.ex = &ex;
        ctx.locals = from->locals;
        parent = from->owner;
    }
}

// ---- tasks come and go ----------------------------------------------------------------------------------------------

void scope_core::adopt(started_base& child) {
    const lock_guard guard(lock_);
    if (!count_.enter()) throw scope_closed();
    child.place = places_++;
    live_.push_back(child);
}

void scope_core::ended(started_base& child, future_base& result, future_status how) noexcept {
    // The usual end takes the lock once. The node is destroyed after the count was lowered, which no code of the user's
    // can notice: only one thread runs what is on a loop, so the code that sees the scope end runs later.
    if (how == future_status::succeeded && result.trivial_release && child.ctx.ex == ctx.ex &&
        live_access::is_loop(*ctx.ex)) [[likely]] {
        lock_.lock();
        if (count_.try_leave_fast()) [[likely]] {
            live_.remove(child);
            lock_.unlock();
            // No failure to tell of, and the subscribers were called.
            if (result.release_ref()) child.destroy_node();
            return;
        }
        lock_.unlock();
    }
    ended_slowly(child, result, how);
}

void scope_core::ended_slowly(started_base& child, future_base& result, future_status how) noexcept {
    bool first_failure = false;
    {
        const lock_guard guard(lock_);
        live_.remove(child);
        if (how == future_status::failed) {
            first_failure = failed_.empty() && !body_error_;
            result.add_ref();
            failed_.push_back(child);
        } else if (how == future_status::cancelled) {
            cancelled_any_ = true;
            if (result.why_cancelled() == stop_reason::sibling_failed) cancelled_some_ = true;
        }
    }
    // This task is on the count still, so the scope cannot end during the request.
    if (first_failure && options.error == error_mode::cancel) stop.request(stop_reason::sibling_failed);
    result.drop_ref();
    take_off_count();
}

void scope_core::take_off_count() noexcept {
    scope_count<promise_base, leaf>::called last;
    claimed_leaves woken;
    {
        const lock_guard guard(lock_);
        last = count_.leave(woken, [](leaf& l) {
            auto& joining = static_cast<join_awaiter&>(l);
            assume_held(joining.core_.lock_);
            return joining.satisfied();
        });
        if (last.unwind != nullptr) body_unwinds_ = true;
    }
    // S1: from here on the scope may be destroyed.
    while (leaf* l = woken.take()) l->resume();
    if (last.unwind != nullptr) post(last.unwind, step::unwind);
    if (last.resume != nullptr) post(last.resume, step::resume);
}

bool scope_core::pin() noexcept {
    const lock_guard guard(lock_);
    return count_.enter();
}

scope_door* scope_core::door() {
    if (scope_door* d = door_.load(std::memory_order_acquire)) return d;
    auto* fresh = new scope_door(this);
    scope_door* expected = nullptr;
    // acq_rel: two threads may make one at the same time; the loser sees the winner's door complete.
    if (door_.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel, std::memory_order_acquire))
        return fresh;
    delete fresh;
    return expected;
}

// ---- the end --------------------------------------------------------------------------------------------------------

bool scope_core::defer_unwind(promise_base* leaf_frame) noexcept {
    if (!stop.requested()) return false;  // a guard inside the body stops its own operation
    const lock_guard guard(lock_);
    if (!body_unwinds_) body_unwinds_ = !count_.defer_unwind(*leaf_frame);
    return !body_unwinds_;
}
bool defer_body_unwind(task_node& scope, promise_base* leaf_frame) noexcept {
    return static_cast<scope_core&>(scope).defer_unwind(leaf_frame);
}

bool scope_core::waits_for_tasks() noexcept {
    const lock_guard guard(lock_);
    return count_.waited_for();
}
bool waits_for_tasks(task_node& scope) noexcept { return static_cast<scope_core&>(scope).waits_for_tasks(); }

void scope_core::body_failed(std::exception_ptr error) noexcept {
    if (left_by_stop(error, stop)) {
        body_stopped();
        return;
    }
    bool first = false;
    {
        const lock_guard guard(lock_);
        first = failed_.empty();
        body_error_ = std::move(error);
    }
    if (first && options.error == error_mode::cancel) stop.request(stop_reason::sibling_failed);
}

void scope_core::body_stopped() noexcept {
    body_stopped_ = true;
    if (stop.reason() != stop_reason::sibling_failed) return;
    const lock_guard guard(lock_);  // a task may end on another thread meanwhile, and write it too
    cancelled_some_ = true;
}

void scope_core::apply_exit_mode() noexcept {
    if (options.exit == exit_mode::wait) return;
    if (options.exit == exit_mode::fail) {
        std::vector<std::source_location> unfinished;
        try {
            {
                const lock_guard guard(lock_);
                for (const started_base* n = live_.first(); n != nullptr; n = n->younger)
                    unfinished.push_back(n->started);
            }
            std::vector<std::string> places;
            places.reserve(unfinished.size());
            for (const std::source_location& at : unfinished)
                places.push_back(place_of(at) + " in " + at.function_name());
            if (!places.empty()) unfinished_ = std::make_exception_ptr(unfinished_tasks(std::move(places)));
        } catch (...) {
            unfinished_ = std::current_exception();  // bad_alloc: at least that is thrown
        }
    }
    stop.request(stop_reason::scope_end);
}

bool scope_core::close_or_wait(promise_base* waiting) noexcept {
    const lock_guard guard(lock_);
    if (count_.close()) return true;
    waited_at_end_ = true;
    detach(waiting);  // under the lock: the last child posts it as soon as it sees it
    count_.wait_for_end(*waiting);
    return false;
}

bool scope_core::close_if_ended() noexcept {
    const lock_guard guard(lock_);
    const bool ended = count_.close();
    waited_at_end_ = !ended;
    return ended;
}

void scope_core::close_door() noexcept {
    scope_door* d = door_.load(std::memory_order_acquire);
    if (d == nullptr) return;
    {
        const lock_guard guard(d->lock);
        d->core = nullptr;
    }
    d->drop();
}

// For keep_going: the failures that no waiter has received, in start order. Null if there are none.
std::exception_ptr scope_core::group_of_failures() {
    std::vector<started_base*> unseen;
    for (started_base* n = failed_.first(); n != nullptr; n = n->younger)
        if (!n->state().consumed()) unseen.push_back(n);
    if (unseen.empty()) return nullptr;
    std::sort(unseen.begin(), unseen.end(),
              [](const started_base* a, const started_base* b) { return a->place < b->place; });
    std::vector<std::exception_ptr> errors;
    errors.reserve(unseen.size());
    for (started_base* n : unseen) errors.push_back(n->state().failure());
    return std::make_exception_ptr(exception_group(std::move(errors)));
}

// Unanalyzed, without the lock: nothing runs in the scope any more. Nor may a shortage of memory lose a failure.
BIDE_UNANALYZED bool scope_core::conclude(bool deadline_passed) {
    BIDE_ASSERT(S1, count_.empty() && live_.empty());
    stop_state* const outer = stop.parent();
    const bool outer_stopped = deadline_passed || (outer != nullptr && outer->requested());
    stop.unlink();
    close_door();

    std::exception_ptr thrown = body_error_;
    started_base* thrown_of = nullptr;
    bool grouped = false;
    if (!thrown && options.error == error_mode::keep_going) {
        try {
            thrown = group_of_failures();
            grouped = thrown != nullptr;
        } catch (...) {  // the first is thrown as itself, then, and the others go to the list or the hook
        }
    }
    for (started_base* n = failed_.first(); n != nullptr; n = n->younger) {
        const bool unseen = !n->state().consumed();
        const bool cancelled_others = options.error == error_mode::cancel && n == failed_.first() && cancelled_some_;
        if (!thrown && (unseen || cancelled_others)) {
            thrown = n->state().failure();
            thrown_of = n;
        }
        bool kept = false;
        try {
            if (options.errors != nullptr) {
                options.errors->push_back(n->state().failure());
                kept = true;
            }
        } catch (...) {  // to the hook, then
        }
        if (unseen && !kept && !grouped && n != thrown_of)
            report_unhandled(n->state().failure(), "a scope that had another failure to throw");
    }
    if (!thrown) thrown = unfinished_;
    if (thrown) std::rethrow_exception(thrown);
    // The end of the scope is a wait, which a stop request ends as it ends every other, also if each task has ignored
    // it.
    return outer_stopped && (body_stopped_ || cancelled_any_ || waited_at_end_);
}

// ---- join in the body -----------------------------------------------------------------------------------------------

join_awaiter::join_awaiter(promise_base& p, scope_core& core)
    : leaf_awaiter(p, join_kind, static_cast<task_node*>(&core)), core_(core), up_to_(0) {
    // A task of the scope that joined it would wait for itself.
    for (const task_node* n = p.ctx->owner; n != nullptr && n != &core; n = n->parent)
        if (n->parent == &core && n->owner != core.owner)
            throw would_deadlock("join() of a scope from one of its own tasks (" + frame_text(p, &place_of) +
                                 "): it would wait for itself; join in the body, or wait for the futures you need");
    const lock_guard guard(core_.lock_);
    up_to_ = core_.places_;
}

bool join_awaiter::satisfied() const noexcept { return core_.live_.empty() || core_.live_.first()->place >= up_to_; }

bool join_awaiter::try_now() noexcept {
    const lock_guard guard(core_.lock_);
    return satisfied();
}

// Unanalyzed: park_in() takes the lock, which it knows by another name.
BIDE_UNANALYZED bool join_awaiter::park() noexcept {
    return park_in(core_.lock_, core_.count_.joining, [this] {
        assume_held(core_.lock_);
        return satisfied();
    });
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
