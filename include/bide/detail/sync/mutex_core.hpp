// SPDX-License-Identifier: BSL-1.0
//
// mutex_core: a word that says whether the mutex is held, and the hand-over. While no task waits, one
// compare-and-exchange takes the mutex and another gives it up. An acquirer that has to wait marks the word, under the
// primitive's lock, and queues; from then on the holder that gives the mutex up hands it to the first waiter that was
// not stopped meanwhile. The mutex is never free while such a waiter is queued, so no acquirer overtakes.
//
//     unlocked <-> locked -> locked_with_waiters: a waiter may be queued; the holder that unlocks takes the lock
//                                                 and looks
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

    /// Returns true if the mutex is held: a hint, unless the caller holds it.
    [[nodiscard]] bool locked() const noexcept { return word_.load(std::memory_order_relaxed) != lock_state::unlocked; }
    /// Returns true if the mutex was free; the caller holds it now.
    [[nodiscard]] bool take() noexcept {
        // acquire, also where another acquirer holds the mutex: this thread then reads the holder's name, which must
        // not be its own from an earlier hold.
        lock_state now = word_.load(std::memory_order_acquire);
        // acquire: what the former holders did under the mutex is visible.
        return now == lock_state::unlocked &&
               word_.compare_exchange_strong(now, lock_state::locked, std::memory_order_acquire,
                                             std::memory_order_acquire);
    }
    /// Called by the holder. Returns true if the mutex is given up: the caller must not touch it any more. Else the
    /// caller takes the lock and calls give().
    [[nodiscard]] bool try_unlock_uncontended() noexcept {
        // relaxed: a guess for the exchange; where it is wrong, the caller takes the lock.
        lock_state now = word_.load(std::memory_order_relaxed);
        // release: pairs with take().
        return now == lock_state::locked &&
               word_.compare_exchange_strong(now, lock_state::unlocked, std::memory_order_release,
                                             std::memory_order_relaxed);
    }

    // The caller of these two holds the primitive's lock.

    /// Returns true if the mutex was free; the caller holds it now. Else the word is marked: the holder that gives the
    /// mutex up will look at the waiters.
    [[nodiscard]] bool try_lock_or_mark() noexcept {
        lock_state now = word_.load(std::memory_order_relaxed);
        for (;;) {
            if (now == lock_state::unlocked) {
                if (take()) return true;
            } else if (now == lock_state::locked_with_waiters ||
                       // relaxed: the holder takes the lock, which this caller has, before it looks at the waiters.
                       word_.compare_exchange_strong(now, lock_state::locked_with_waiters, std::memory_order_relaxed,
                                                     std::memory_order_relaxed)) {
                return false;
            }
            now = word_.load(std::memory_order_relaxed);  // relaxed: a guess for the next exchange
        }
    }
    /// Called by the holder when try_unlock_uncontended() has returned false: only a holder of the lock changes the
    /// word now. Returns the claimed waiter that holds the mutex from now on; null if the mutex is free.
    [[nodiscard]] Leaf* give() noexcept {
        Leaf* const next = waiters.pop_claimed();
        if (next == nullptr)
            word_.store(lock_state::unlocked, std::memory_order_release);  // release: pairs with take()
        else if (waiters.empty())
            // relaxed: the resumption publishes it to the next holder
            word_.store(lock_state::locked, std::memory_order_relaxed);
        return next;
    }

    waiting_list<Leaf, Var> waiters;

private:
    Word<lock_state> word_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
