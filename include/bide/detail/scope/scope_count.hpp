// SPDX-License-Identifier: BSL-1.0
//
// scope_count: how many tasks (and starts from outside) live in a scope, and who waits for there to be none: the end of
// the scope, its stopped body, which unwinds after its tasks have ended, and joins. Everything under the scope's lock.
//
// leave() is the last thing that an ending task does in its scope. As soon as the lock is given back the scope may end
// and be gone: what leave() gives is posted after that, and nothing else may be touched.
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

    /// One more. False: the scope has ended.
    [[nodiscard]] bool enter() noexcept {
        if (closed_) return false;
        live_ = live_ + 1;
        return true;
    }

    /// As leave(), where that concerns nobody. False: it does, or may; nothing has changed.
    [[nodiscard]] bool try_leave_fast() noexcept {
        BIDE_ASSERT(S1, live_ != 0);
        if (live_ == 1 || !joining.empty()) return false;
        live_ = live_ - 1;
        return true;
    }

    /// Whom the last one calls; one of the two at most.
    struct called {
        Frame* resume = nullptr;  // the end of the scope, which is closed now
        Frame* unwind = nullptr;  // the body
    };
    /// One less. Joins that are satisfied are claimed and added to `woken`.
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

    /// The scope's end. True: nothing lives, it is closed now. Else wait_for_end(), under the same lock.
    [[nodiscard]] bool close() noexcept {
        if (live_ == 0) closed_ = true;
        return closed_;
    }
    /// The frame is detached already: the last one posts it as soon as the lock is given back.
    void wait_for_end(Frame& waiting) noexcept { end_waiter_ = &waiting; }

    /// The stopped body, at its leaf. False: nothing holds it back.
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
