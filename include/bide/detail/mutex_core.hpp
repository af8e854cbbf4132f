// SPDX-License-Identifier: BSL-1.0
//
// mutex_core: the hand-over. Whoever gives the mutex up hands it to the first waiter that was not stopped meanwhile; it
// is never free while somebody (who will take it) waits. Everything under the mutex's lock.
//
// `Leaf`, `Var`: see waiting_list.hpp; the model checker has its own.
#pragma once

#include <bide/detail/waiting_list.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Leaf, template <class> class Var = plain>
class mutex_core {
public:
    mutex_core() noexcept : locked_(false) {}

    [[nodiscard]] bool locked() const noexcept { return locked_; }
    /// True: it was free and is the caller's now.
    [[nodiscard]] bool take() noexcept {
        if (locked_) return false;
        locked_ = true;
        return true;
    }
    /// Gives it up. The waiter that has it now, claimed; null: it is free.
    [[nodiscard]] Leaf* give() noexcept {
        Leaf* const next = waiters.pop_claimed();
        if (next == nullptr) locked_ = false;
        return next;
    }

    waiting_list<Leaf, Var> waiters;

private:
    Var<bool> locked_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
