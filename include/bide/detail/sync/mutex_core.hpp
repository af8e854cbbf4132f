// SPDX-License-Identifier: BSL-1.0
//
// mutex_core: a word that says whether the mutex is held, and the hand-over. While no task waits, taking it is one
// compare-and-exchange and giving it up is another. An acquirer that has to wait marks the word, under the primitive's
// lock, and queues; from then on the holder that gives the mutex up hands it to the first waiter that was not stopped
// meanwhile. The mutex is never free while such a waiter is queued, so no acquirer overtakes.
//
//     unlocked <-> locked -> locked_with_waiters: a waiter may be queued. The holder that unlocks takes the lock, and looks
//
// `Leaf`, `Var`: see waiting_list.hpp; `Word` is an atomic, or what stands for it (lock_policy.hpp); the model checker
// has its own.
#pragma once

#include <bide/detail/base/waiting_list.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

enum class lock_state : std::uint8_t { unlocked, locked, locked_with_waiters };

template <class Leaf, template <class> class Word, template <class> class Var = plain>
class mutex_core {
public:
    mutex_core() noexcept : word_(lock_state::unlocked) {}

    /// A hint, unless the caller holds it.
    [[nodiscard]] bool locked() const noexcept { return word_.load(std::memory_order_relaxed) != lock_state::unlocked; }
    /// Returns true if it was free; the caller holds it now.
    [[nodiscard]] bool take() noexcept {
        // acquire, also where it is held: what was done before it was free once (the holder's name may be ours from
        // then).
        lock_state now = word_.load(std::memory_order_acquire);
        // acquire: what was done under the mutex is visible.
        return now == lock_state::unlocked &&
               word_.compare_exchange_strong(now, lock_state::locked, std::memory_order_acquire,
                                             std::memory_order_acquire);
    }
    /// Called by the holder. Returns true if the mutex is given up: the caller must not touch it any more. Else the
    /// caller takes the lock and calls give().
    [[nodiscard]] bool try_unlock_uncontended() noexcept {
        lock_state now =
            word_.load(std::memory_order_relaxed);  // relaxed: as in the exchange; where not, the lock is next
        // release: pairs with take().
        return now == lock_state::locked &&
               word_.compare_exchange_strong(now, lock_state::unlocked, std::memory_order_release,
                                             std::memory_order_relaxed);
    }

    // The caller of these two holds the primitive's lock.

    /// Returns true if it was free; the caller holds it now. Else the word is marked: the holder will look among the
    /// waiters.
    [[nodiscard]] bool try_lock_or_mark() noexcept {
        lock_state now = word_.load(std::memory_order_relaxed);
        for (;;) {
            if (now == lock_state::unlocked) {
                if (take()) return true;
            } else if (now == lock_state::locked_with_waiters ||
                       // relaxed: the holder finds the waiters by taking the lock, which the caller has.
                       word_.compare_exchange_strong(now, lock_state::locked_with_waiters, std::memory_order_relaxed,
                                                     std::memory_order_relaxed)) {
                return false;
            }
            now = word_.load(std::memory_order_relaxed);  // relaxed: looked at again by the exchanges
        }
    }
    /// Called by the holder when try_unlock_uncontended() has returned false: only a holder of the lock changes the
    /// word now. Returns the claimed waiter that holds the mutex from now on; null if the mutex is free.
    [[nodiscard]] Leaf* give() noexcept {
        Leaf* const next = waiters.pop_claimed();
        if (next == nullptr)
            word_.store(lock_state::unlocked, std::memory_order_release);  // release: pairs with take()
        else if (waiters.empty())
            word_.store(lock_state::locked,
                        std::memory_order_relaxed);  // relaxed: the holder learns it by being resumed
        return next;
    }

    waiting_list<Leaf, Var> waiters;

private:
    Word<lock_state> word_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
