// SPDX-License-Identifier: BSL-1.0
//
// idle_workers: which workers of a pool sleep, how many search for work, and which worker is woken. The rules:
//
//   - A pusher wakes an idle worker if no worker searches. It reads both counts under the queue's lock.
//   - When a searching worker has found work and was the last that searched, it wakes another if there is more work: so
//     there is one wake-up per empty-to-full, and each woken worker wakes the next.
//   - A worker that goes to sleep enters the list, stops searching, and then looks into every queue once more.
//   - A waker takes the idle worker out of the list and counts it as searching, and then wakes it.
//
// `Worker` has `Worker* next_asleep` and `bool asleep`, which lock_ guards. `Atomic` and `Lock` are the library's or
// the model checker's (tests/model/pool_sleep.cpp).
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

    /// Returns true if the pusher has to wake a worker. The pusher calls it under the queue's lock.
    [[nodiscard]] bool needs_wake() const noexcept {
        // relaxed: the queue's lock orders it, see above.
        return searching_.load(std::memory_order_relaxed) == 0 && asleep_.load(std::memory_order_relaxed) != 0;
    }
    /// Takes out an idle worker, which counts as searching, and which the caller wakes. Returns null if none is idle,
    /// or if a worker searches already.
    [[nodiscard]] Worker* take_one() noexcept {
        const lock_guard guard(lock_);
        if (sleepers_.empty() || searching_.load(std::memory_order_relaxed) != 0) return nullptr;
        return take_first();
    }
    /// Does the same also while another worker searches.
    [[nodiscard]] Worker* take_any() noexcept {
        const lock_guard guard(lock_);
        return take_first();
    }

    /// Takes out an idle worker, which sleeps on and is not woken from here. Returns null if there is none.
    [[nodiscard]] Worker* remove_one() noexcept {
        const lock_guard guard(lock_);
        Worker* const w = sleepers_.pop();
        if (w != nullptr) out(*w);
        return w;
    }

    // acq_rel: a thread that sees that no worker searches sees also what the last one saw.
    void begin_search() noexcept { searching_.fetch_add(1, std::memory_order_acq_rel); }
    /// Returns true if the caller was the last worker that searched.
    [[nodiscard]] bool end_search() noexcept {
        const std::uint32_t before = searching_.fetch_sub(1, std::memory_order_acq_rel);
        BIDE_ASSERT(F7, before != 0);
        return before == 1;
    }

    /// Enters a searching worker into the list. Then that worker looks once more, and calls leave() or sleeps.
    void enter(Worker& w) noexcept {
        const lock_guard guard(lock_);
        BIDE_ASSERT(F7, !w.asleep && searching_.load(std::memory_order_relaxed) != 0);
        sleepers_.push(w);
        w.asleep = true;
        asleep_.store(asleep_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        searching_.fetch_sub(1, std::memory_order_acq_rel);
    }
    /// Takes the worker out, which has found work and searches again. Returns false if another thread has taken it out
    /// already.
    [[nodiscard]] bool leave(Worker& w) noexcept {
        const lock_guard guard(lock_);
        if (!w.asleep) return false;
        sleepers_.remove(w);
        taken(w);
        return true;
    }
    /// Takes the lock, so that a worker that enters later sees what the caller wrote before.
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
