// SPDX-License-Identifier: BSL-1.0
//
// inbox: how nodes get into an executor from other threads. Any thread (the pusher) pushes; the owner thread takes all
// nodes at once. One word holds the list and tells whether the owner sleeps. The owner's "sleep if the list is empty"
// and the pusher's "push, and wake the owner if it sleeps" are both read-modify-writes of that word, so neither can
// miss the other.
//
// `Atomic` is std::atomic in the library and the model checker's in tests/model.
#pragma once

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Node, template <class> class Atomic = std::atomic>
class inbox {
public:
    inbox() noexcept : head_(nullptr) {}
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// Returns true if the owner sleeps, or is about to: this pusher has to wake it. Exactly one pusher gets true.
    [[nodiscard]] bool push(Node& n) noexcept {
        Node* old = head_.load(std::memory_order_relaxed);  // only a guess for the exchange below
        do {
            n.next = old == asleep() ? nullptr : old;
            // release: the owner reads the node. acquire on failure is not needed: nothing of the old list is read.
            // acq_rel rather than release: the model checker then needs no special failure order.
        } while (!head_.compare_exchange_weak(old, &n, std::memory_order_acq_rel, std::memory_order_acquire));
        return old == asleep();
    }

    /// Takes everything that was pushed, oldest first, and marks the owner awake.
    [[nodiscard]] Node* take() noexcept {
        Node* newest = head_.load(std::memory_order_relaxed);  // a look: the exchange acquires
        if (newest == nullptr) return nullptr;
        newest = head_.exchange(nullptr, std::memory_order_acq_rel);
        if (newest == asleep()) return nullptr;
        Node* oldest = nullptr;
        while (newest != nullptr) {
            Node* after = static_cast<Node*>(newest->next);
            newest->next = oldest;
            oldest = newest;
            newest = after;
        }
        return oldest;
    }

    /// The owner calls it before it sleeps. Returns false if a node is there: the owner must not sleep.
    [[nodiscard]] bool go_to_sleep() noexcept {
        Node* empty = nullptr;
        return head_.compare_exchange_strong(empty, asleep(), std::memory_order_acq_rel, std::memory_order_acquire) ||
               empty == asleep();
    }

    /// The owner calls it when it woke for another reason. Returns false if a pusher has woken it, or is about to.
    [[nodiscard]] bool wake_up() noexcept {
        Node* sleeping = asleep();
        return head_.compare_exchange_strong(sleeping, nullptr, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    [[nodiscard]] bool maybe_something() const noexcept {
        Node* n = head_.load(std::memory_order_relaxed);  // a hint
        return n != nullptr && n != asleep();
    }

private:
    static Node* asleep() noexcept { return reinterpret_cast<Node*>(1); }
    Atomic<Node*> head_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
