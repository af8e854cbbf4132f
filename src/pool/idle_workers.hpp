// SPDX-License-Identifier: BSL-1.0
//
// idle_workers: which workers of a pool sleep, how many look for work, and whom to wake. The rules:
//
//   - Whoever pushes work wakes an idle worker if nobody is looking for work; it reads both counts under the queue's
//   lock.
//   - A worker that looks for work counts as `searching`. When it has found some and was the last one that looked, it
//     wakes another if there is more: so one wake per empty-to-full, and each woken worker wakes the next.
//   - A worker that goes to sleep enters the list, stops searching, and then looks into every queue once more.
//   - Whoever wakes takes the idle worker out and counts it as searching before it is awake.
//
// `Worker` has `Worker* next_asleep` and `bool asleep`, both under the lock here. `Atomic` and `Lock` are the library's
// or the model checker's (tests/model/pool_sleep.cpp).
#pragma once

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/spin_lock.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Worker, template <class> class Atomic = std::atomic, class Lock = spin_lock>
class idle_workers {
public:
    idle_workers() noexcept : searching_(0), asleep_(0) {}
    idle_workers(const idle_workers&) = delete;
    idle_workers& operator=(const idle_workers&) = delete;

    /// For whoever has pushed, under the queue's lock: somebody has to be woken, if there is somebody.
    [[nodiscard]] bool needs_wake() const noexcept {
        // relaxed: ordered by the queue's lock, see above.
        return searching_.load(std::memory_order_relaxed) == 0 && asleep_.load(std::memory_order_relaxed) != 0;
    }
    /// Null: nobody sleeps, or somebody looks for work already. Else to be woken by the caller; it searches.
    [[nodiscard]] Worker* take_one() noexcept {
        const lock_guard guard(lock_);
        if (sleepers_.empty() || searching_.load(std::memory_order_relaxed) != 0) return nullptr;
        return take_first();
    }
    /// The same, whoever is searching.
    [[nodiscard]] Worker* take_any() noexcept {
        const lock_guard guard(lock_);
        return take_first();
    }

    /// It sleeps on, but is no idle worker any more.
    [[nodiscard]] Worker* remove_one() noexcept {
        const lock_guard guard(lock_);
        Worker* const w = sleepers_.pop();
        if (w != nullptr) out(*w);
        return w;
    }

    // acq_rel: whoever sees that nobody searches sees also what the last one has looked at.
    void begin_search() noexcept { searching_.fetch_add(1, std::memory_order_acq_rel); }
    /// True: it was the last one that searched.
    [[nodiscard]] bool end_search() noexcept {
        const std::uint32_t before = searching_.fetch_sub(1, std::memory_order_acq_rel);
        BIDE_ASSERT(F7, before != 0);
        return before == 1;
    }

    /// A searching worker enters the list. Then it looks once more, and calls leave() or sleeps.
    void enter(Worker& w) noexcept {
        const lock_guard guard(lock_);
        BIDE_ASSERT(F7, !w.asleep && searching_.load(std::memory_order_relaxed) != 0);
        sleepers_.push(w);
        w.asleep = true;
        asleep_.store(asleep_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        searching_.fetch_sub(1, std::memory_order_acq_rel);
    }
    /// It has found something, and searches again. False: somebody has taken it out and is about to wake it.
    [[nodiscard]] bool leave(Worker& w) noexcept {
        const lock_guard guard(lock_);
        if (!w.asleep) return false;
        sleepers_.remove(w);
        taken(w);
        return true;
    }
    /// Under the lock: whoever enters later sees what the caller has written before.
    [[nodiscard]] std::uint32_t count() const noexcept {
        const lock_guard guard(lock_);
        return asleep_.load(std::memory_order_relaxed);
    }

private:
    [[nodiscard]] Worker* take_first() noexcept BIDE_REQUIRES(lock_) {
        Worker* const w = sleepers_.pop();
        if (w != nullptr) taken(*w);
        return w;
    }
    void out(Worker& w) noexcept BIDE_REQUIRES(lock_) {
        w.asleep = false;
        asleep_.store(asleep_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    }
    void taken(Worker& w) noexcept BIDE_REQUIRES(lock_) {
        out(w);
        searching_.fetch_add(1, std::memory_order_acq_rel);
    }
    mutable Lock lock_;
    lifo<Worker, &Worker::next_asleep> sleepers_ BIDE_GUARDED_BY(lock_);
    Atomic<std::uint32_t> searching_;
    Atomic<std::uint32_t> asleep_;  // written with the lock held
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
