// SPDX-License-Identifier: BSL-1.0
//
// fork_deque: the forks that a worker keeps for itself, oldest first. Its owner pushes and pops at the top with plain
// stores and without a fence; anybody else takes at the bottom, under the lock, and is rare.
//
// The two sides have to agree about one entry without the owner paying for it: that is Dekker's problem, owner: write
// `top`, read `floor`; other: write `floor`, read `top`. The owner's half has a barrier for the compiler only, the
// other half one that makes every running thread of the process pass a full barrier (`Barrier::heavy`, membarrier(2)).
// So afterwards either the owner has seen the new floor, or the other sees the owner's top.
//
//     entries:   0 … floor … top          below floor: the owner may pop them under the lock alone
//     frozen     floor is above everything: every pop takes the lock, so what lies below the top stays there
//
// An entry takes as many places as it has children: so `limit` bounds children, of which each may need memory of its
// own once it is seen by others. A hungry worker sets the limit to nothing, under the lock: the next push sees it.
//
// `Atomic` and `Barrier` are the library's or the model checker's (tests/model/pool_forks.cpp).
#pragma once

#include <bide/detail/base/rules.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Entry, template <class> class Atomic, class Barrier, std::uint32_t Capacity>
class fork_deque {
public:
    static constexpr std::uint32_t capacity = Capacity;

    fork_deque() noexcept : top_(0), floor_(0), limit_(0) {}
    fork_deque(const fork_deque&) = delete;
    fork_deque& operator=(const fork_deque&) = delete;

    // ---- by the owner -----------------------------------------------------------------------------------------------

    // relaxed: written by the owner alone
    [[nodiscard]] std::uint32_t top() const noexcept { return top_.load(std::memory_order_relaxed); }

    /// Puts it on `places` places from `at`, which is the top. True: the limit is passed; see to that (or undo it).
    [[nodiscard]] bool push(Entry& e, std::uint32_t at, std::uint32_t places) noexcept {
        BIDE_ASSERT(F4, at == top() && at + places <= Capacity);
        entry_[at].store(&e, std::memory_order_relaxed);  // relaxed: published by the top
        // release: a raiding worker that sees the new top sees the entry, and what the owner wrote into it.
        top_.store(at + places, std::memory_order_release);
        Barrier::light();
        return limit_.load(std::memory_order_relaxed) < at + places;  // relaxed: a flag, see the barriers
    }
    /// Takes the youngest, which begins at `at`. False: it was not the owner's alone; the rest under the lock.
    [[nodiscard]] bool pop(std::uint32_t at) noexcept {
        BIDE_ASSERT(F4, at < top());
        top_.store(at, std::memory_order_relaxed);  // relaxed: nothing is published by taking away
        Barrier::light();
        // relaxed: a higher floor sends us to the lock, which acquires; a lower one says nothing about others.
        return floor_.load(std::memory_order_relaxed) <= at;
    }

    [[nodiscard]] std::uint32_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }  // a hint

    // ---- under the lock ---------------------------------------------------------------------------------------------

    [[nodiscard]] std::uint32_t floor() const noexcept { return floor_.load(std::memory_order_relaxed); }
    void set_floor(std::uint32_t at) noexcept { floor_.store(at, std::memory_order_relaxed); }
    void set_limit(std::uint32_t places) noexcept { limit_.store(places, std::memory_order_relaxed); }
    [[nodiscard]] Entry& at(std::uint32_t place) const noexcept {
        return *entry_[place].load(std::memory_order_relaxed);  // relaxed: ordered by the top, or the owner's own
    }
    /// By the owner: nothing is left.
    void clear() noexcept {
        set_floor(0);
        top_.store(0, std::memory_order_relaxed);
    }

    /// By another thread: from now on the owner pops nothing without the lock. The top as it is at least; thaw with
    /// set_floor.
    [[nodiscard]] std::uint32_t freeze() noexcept {
        floor_.store(~std::uint32_t{0}, std::memory_order_relaxed);
        Barrier::heavy();
        return top_.load(std::memory_order_acquire);  // acquire: the entries below it
    }

private:
    Atomic<std::uint32_t> top_;
    Atomic<std::uint32_t> floor_;
    Atomic<std::uint32_t> limit_;
    Atomic<Entry*> entry_[Capacity];
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
