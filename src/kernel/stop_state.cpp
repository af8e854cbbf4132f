// SPDX-License-Identifier: BSL-1.0
//
// A stop request's walk down the tree of states, and the registration of callbacks. Any thread may request, add and
// remove. The requesting thread posts the parked leaf of each state as "unwind", and calls the callbacks when it holds
// no lock any more. The anchor belongs to the chain's own thread.
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>
#include <bide/detail/kernel/stop_follower.hpp>
#include <bide/detail/kernel/stop_state.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void stop_state::mark(stop_reason why) noexcept {
    reason_ = why;
    if (leaf_base* l = word_.request()) post(l->frame, step::unwind);
}

// Unanalyzed: the walk holds a number of locks that is known at run time only, from *this down to the current state
//   (S2).
BIDE_UNANALYZED bool stop_state::request(stop_reason why) noexcept {
    if (why == stop_reason::none) why = stop_reason::user;  // "none" is the reason of what was not asked to stop
    stop_callbacks fired;
    lock_.lock();
    if (requested()) {
        lock_.unlock();
        return false;
    }
    mark(why);
    stop_state* at = this;
    for (;;) {  // the locks of *this, of `at` and of all states between them are held
        if (at->children_.empty()) {
            if (at == this) {
                lock_.unlock();
                break;
            }
            stop_state* up = at->parent_;  // still valid: unlink() takes the lock of `up`, which is held
            at->lock_.unlock();
            at = up;
            continue;
        }
        auto* const l = static_cast<stop_link*>(at->children_.next);
        BIDE_ASSERT(S2, l->listed);
        take_out(*l);
        if (l->is_callback) {
            fired.take(*l);
            continue;
        }
        auto* const child = static_cast<stop_state*>(l);
        child->lock_.lock();
        if (child->requested()) {
            child->lock_.unlock();
        } else {
            BIDE_ASSERT(S2, child->parent_ == at);
            child->mark(why);
            at = child;
        }
    }
    fired.run();
    return true;
}

bool stop_state::add(stop_link& callback) noexcept {
    callback.is_callback = true;
    lock_guard guard(lock_);
    if (requested()) return false;
    append(callback);
    return true;
}

bool stop_state::remove(stop_link& callback) noexcept {
    lock_guard guard(lock_);
    if (!callback.listed) return false;
    take_out(callback);
    return true;
}

stop_anchor& stop_state::anchor() {
    if (anchor_ == nullptr) anchor_ = new stop_anchor(*this);
    return *anchor_;
}

void stop_state::drop_anchor() noexcept {
    {
        // Under both locks: a follower that unfollows now finds either itself in the list, or no state.
        const lock_guard no_follower(anchor_->lock);
        const lock_guard guard(lock_);
        while (!children_.empty()) take_out(static_cast<stop_link&>(*children_.next));
        anchor_->last = reason();
        anchor_->state = nullptr;
    }
    anchor_->drop();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
