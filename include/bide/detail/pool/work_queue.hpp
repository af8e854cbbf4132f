// SPDX-License-Identifier: BSL-1.0
//
// work_queue: ready nodes of one worker, or from outside, that any worker may take; first in, first out.
//
// The lock does more than guard the list. A pusher looks, under the lock, whether it has to wake a worker. A worker
// that is about to sleep enters the list of idle workers first, and looks into every queue afterwards, under the same
// locks. So one of the two sees the other, without a fence. `Atomic` and `Lock` are the library's or the model
// checker's.
#pragma once

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/executor.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Node, template <class> class Atomic = std::atomic, class Lock = spin_lock>
class work_queue {
public:
    work_queue() noexcept : count_(0) {}
    work_queue(const work_queue&) = delete;
    work_queue& operator=(const work_queue&) = delete;

    /// Pushes the node, calls look() under the lock, and returns its result.
    template <class Look>
    auto push(Node& n, const Look& look) noexcept {
        const lock_guard guard(lock_);
        nodes_.push_back(n);
        add(1);
        return look();
    }
    /// Takes the oldest node. Returns null if the queue is empty, or looked empty without the lock.
    [[nodiscard]] Node* pop() noexcept {
        if (empty_hint()) return nullptr;
        const lock_guard guard(lock_);
        Node* const n = nodes_.pop();
        if (n != nullptr) add(-1);
        return n;
    }
    /// Exact, because it takes the lock: a thread that pushes after this sees what the caller wrote before it.
    [[nodiscard]] bool empty() noexcept {
        const lock_guard guard(lock_);
        return nodes_.empty();
    }
    [[nodiscard]] bool empty_hint() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }  // a hint
    [[nodiscard]] const Atomic<std::uint32_t>& count() const noexcept { return count_; }

private:
    // relaxed: written with the lock held, read as a hint
    void add(int by) noexcept BIDE_REQUIRES(lock_) {
        count_.store(count_.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(by),
                     std::memory_order_relaxed);
    }
    Lock lock_;
    fifo<Node, &Node::next> nodes_ BIDE_GUARDED_BY(lock_);
    Atomic<std::uint32_t> count_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
