// SPDX-License-Identifier: BSL-1.0
//
// remote_list: how blocks return to the thread that made them when another thread frees them. Any thread (the pusher)
// pushes a block. The owner thread takes all blocks at once when its own free list is empty, and closes the list when
// it ends; a closed list refuses blocks, and the pusher gives them to operator delete.
//
// Another owner may open the list again, and then owns the blocks of the former owner as well.
//
// `Atomic` is std::atomic in the library and the model checker's in tests/model.
#pragma once

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Block, template <class> class Atomic = std::atomic>
class remote_list {
public:
    remote_list() noexcept : head_(closed()), size_(0) {}
    remote_list(const remote_list&) = delete;
    remote_list& operator=(const remote_list&) = delete;

    /// Returns false if the block was refused: the list is closed, or holds `most` blocks already.
    [[nodiscard]] bool push(Block& b, unsigned most) noexcept {
        // relaxed: a bound, and no exact count. The owner subtracts what it takes (took()).
        if (size_.fetch_add(1, std::memory_order_relaxed) >= most) {
            size_.fetch_sub(1, std::memory_order_relaxed);
            return false;
        }
        Block* old = head_.load(std::memory_order_relaxed);  // only a guess for the exchange below
        do {
            if (old == closed()) {
                size_.fetch_sub(1, std::memory_order_relaxed);
                return false;
            }
            b.next = old;
            // release: the owner reads the link, and writes what this thread has used before.
            // acq_rel rather than release: the model checker then needs no special failure order.
        } while (!head_.compare_exchange_weak(old, &b, std::memory_order_acq_rel, std::memory_order_acquire));
        return true;
    }

    /// The owner takes all blocks, the newest first, counts them, and reports the number by took().
    [[nodiscard]] Block* take() noexcept {
        if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;  // a look: the exchange acquires
        return head_.exchange(nullptr, std::memory_order_acq_rel);
    }
    /// The owner has taken n blocks, so n more may be pushed.
    void took(unsigned n) noexcept { size_.fetch_sub(n, std::memory_order_relaxed); }

    /// The owner takes all blocks for the last time; the list refuses every block from now on.
    [[nodiscard]] Block* close() noexcept { return head_.exchange(closed(), std::memory_order_acq_rel); }
    /// A new owner opens a closed list.
    void open() noexcept { head_.store(nullptr, std::memory_order_release); }

private:
    static Block* closed() noexcept { return reinterpret_cast<Block*>(1); }
    Atomic<Block*> head_;
    Atomic<unsigned> size_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
