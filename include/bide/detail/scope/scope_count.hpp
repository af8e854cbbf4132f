// SPDX-License-Identifier: BSL-1.0
//
// scope_count: how many tasks (and pins of starts from outside) a scope has, and what waits until there are none: the
// end of the scope, its stopped body, which unwinds after its tasks have ended, and joins. The scope's lock is held for
// every call.
//
// An ending task calls leave() as its last act in the scope (S1). As soon as the lock is given back, the scope may end
// and be destroyed. The caller posts what leave() returns after that, and touches nothing else.
//
// `Frame`, `Leaf`, `Var`: the model checker has its own (waiting_list.hpp).
#pragma once

#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/waiting_list.hpp>

#include <cstddef>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Frame, class Leaf, template <class> class Var = plain>
class scope_count {
public:
    scope_count() noexcept : live_(0), closed_(false), end_waiter_(nullptr), deferred_body_(nullptr) {}

    /// Counts one more. Returns false if the scope has ended.
    [[nodiscard]] bool enter() noexcept {
        if (closed_) return false;
        live_ = live_ + 1;
        return true;
    }

    /// As leave(), if no join and no end waits for this one. Returns false, and changes nothing, if one may.
    [[nodiscard]] bool try_leave_fast() noexcept {
        BIDE_ASSERT(S1, live_ != 0);
        if (live_ == 1 || !joining.empty()) return false;
        live_ = live_ - 1;
        return true;
    }

    /// The frame that the last task posts; one of the two at most.
    struct called {
        Frame* resume = nullptr;  // the end of the scope, which is closed now
        Frame* unwind = nullptr;  // the body
    };
    /// Counts one less. Claims the joins that are satisfied, and adds them to `woken`.
    template <class Satisfied>
    [[nodiscard]] called leave(claimed_waiters<Leaf>& woken, Satisfied satisfied) noexcept {
        BIDE_ASSERT(S1, live_ != 0);
        live_ = live_ - 1;
        for (Leaf* l = joining.front(); l != nullptr;) {
            Leaf* const after = l->next;
            if (satisfied(*l) && l->claim()) {
                joining.remove(*l);
                woken.add(*l);
            }
            l = after;
        }
        called last;
        if (live_ != 0) return last;
        if (deferred_body_ != nullptr) {
            last.unwind = deferred_body_;
            deferred_body_ = nullptr;
        } else if (end_waiter_ != nullptr) {
            closed_ = true;
            last.resume = end_waiter_;
            end_waiter_ = nullptr;
        }
        return last;
    }

    /// Called at the end of the body. Returns true if no task lives; the scope is closed then. Else the caller calls
    /// wait_for_end() without giving the lock back in between.
    [[nodiscard]] bool close() noexcept {
        if (live_ == 0) closed_ = true;
        return closed_;
    }
    /// The caller has detached `waiting`: the last task posts it as soon as the lock is given back.
    void wait_for_end(Frame& waiting) noexcept { end_waiter_ = &waiting; }

    /// `body` is the leaf's frame of the stopped body. Returns false if no task lives: the caller unwinds it itself.
    [[nodiscard]] bool defer_unwind(Frame& body) noexcept {
        if (live_ == 0) return false;
        deferred_body_ = &body;
        return true;
    }

    [[nodiscard]] bool empty() const noexcept { return live_ == 0; }
    [[nodiscard]] bool waited_for() const noexcept {
        return end_waiter_ != nullptr || deferred_body_ != nullptr || !joining.empty();
    }

    waiting_list<Leaf, Var> joining;

private:
    Var<std::size_t> live_;
    Var<bool> closed_;
    Var<Frame*> end_waiter_;
    Var<Frame*> deferred_body_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
