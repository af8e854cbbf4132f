// SPDX-License-Identifier: BSL-1.0
//
// mutex_core: a word that says whether it is held, and the hand-over. While nobody waits, to take it and to give it up
// is one compare-and-exchange each. Who has to wait marks the word, under the lock, and queues; from then on whoever
// gives the mutex up hands it to the first waiter that was not stopped meanwhile. It is never free while somebody (who
// will take it) waits, so nobody overtakes.
//
//     free <-> held -> crowded: somebody may wait. Who gives it up takes the lock, and finds out
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

    /// A hint, unless it is the caller's.
    [[nodiscard]] bool locked() const noexcept { return word_.load(std::memory_order_relaxed) != lock_state::unlocked; }
    /// True: it was free and is the caller's now.
    [[nodiscard]] bool take() noexcept {
        // acquire, also where it is held: what was done before it was free once (the holder's name may be ours from
        // then).
        lock_state now = word_.load(std::memory_order_acquire);
        // acquire: what was done under the mutex is visible.
        return now == lock_state::unlocked &&
               word_.compare_exchange_strong(now, lock_state::locked, std::memory_order_acquire,
                                             std::memory_order_acquire);
    }
    /// By the holder. True: given up, nothing of the mutex may be touched any more. False: give() has to, under the lock.
    [[nodiscard]] bool try_unlock_uncontended() noexcept {
        lock_state now =
            word_.load(std::memory_order_relaxed);  // relaxed: as in the exchange; where not, the lock is next
        // release: pairs with take().
        return now == lock_state::locked &&
               word_.compare_exchange_strong(now, lock_state::unlocked, std::memory_order_release,
                                             std::memory_order_relaxed);
    }

    // Under the lock:

    /// True: it was free and is the caller's now. False: whoever holds it will look among the waiters.
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
    /// By the holder, when try_unlock_uncontended() said no: the word changes under the lock alone now. The waiter that has the
    /// mutex, claimed; null: it is free.
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
