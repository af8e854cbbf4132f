// SPDX-License-Identifier: BSL-1.0
//
// remote_list: how blocks get home that were freed on another thread than the one that made them. Any thread pushes;
// the owner takes everything at once when it has run out, and closes the list when it ends: then a block is refused,
// and goes back to operator delete.
//
// The list may be opened again, for another owner: blocks that came from the former one are then as good as its own.
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

    /// False: refused, the owner is gone, or `most` are waiting for it already.
    [[nodiscard]] bool push(Block& b, unsigned most) noexcept {
        // relaxed: a bound, not a count to rely on. It is taken back by the owner when it takes the blocks.
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

    /// By the owner: everything that has come, the newest first; `took` tells how many (see took()).
    [[nodiscard]] Block* take() noexcept {
        if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;  // a look: the exchange acquires
        return head_.exchange(nullptr, std::memory_order_acq_rel);
    }
    /// So many were taken: others may come.
    void took(unsigned n) noexcept { size_.fetch_sub(n, std::memory_order_relaxed); }

    /// By the owner, as its end: what has come; from now on everything is refused.
    [[nodiscard]] Block* close() noexcept { return head_.exchange(closed(), std::memory_order_acq_rel); }
    /// By a new owner.
    void open() noexcept { head_.store(nullptr, std::memory_order_release); }

private:
    static Block* closed() noexcept { return reinterpret_cast<Block*>(1); }
    Atomic<Block*> head_;
    Atomic<unsigned> size_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
