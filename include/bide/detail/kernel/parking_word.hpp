// SPDX-License-Identifier: BSL-1.0
//
// parking_word: who resumes a chain of frames that waits. One word, three states:
//     null       the chain is running, or is being resumed
//     a leaf     the chain is parked there; the thread that changes the word owns the resumption
//     requested  stop was requested; the word never changes again
// A completer claims the leaf (leaf -> null), a stop request exchanges the leaf for `requested`. Exactly one of them
// wins.
//
// `Atomic` is std::atomic in the library and the model checker's in tests/model.
#pragma once

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Leaf, template <class> class Atomic = std::atomic>
class parking_word {
public:
    parking_word() noexcept : word_(nullptr) {}
    parking_word(const parking_word&) = delete;
    parking_word& operator=(const parking_word&) = delete;

    [[nodiscard]] bool requested() const noexcept {
        // acquire: a thread that sees the request also sees the reason, which the requester wrote before it.
        return word_.load(std::memory_order_acquire) == mark();
    }
    /// Returns false if stop was requested before: the leaf is not parked.
    [[nodiscard]] bool park(Leaf& l) noexcept {
        Leaf* running = nullptr;
        // release: the requester reads the leaf that it takes out.
        return word_.compare_exchange_strong(running, &l, std::memory_order_release, std::memory_order_relaxed);
    }
    /// Returns true if the caller owns the resumption of the leaf. Called under the lock of the leaf's primitive.
    [[nodiscard]] bool claim(Leaf& l) noexcept {
        Leaf* expected = &l;
        // acq_rel: acquire the leaf's state, release what the completer wrote into it for a later request.
        return word_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel, std::memory_order_relaxed);
    }
    /// Requests the stop. Returns the leaf that was parked, whose resumption as "unwind" the caller owns now; null if
    /// none was.
    [[nodiscard]] Leaf* request() noexcept {
        // acq_rel: release the reason to the threads that see the mark, acquire the leaf that was parked.
        Leaf* l = word_.exchange(mark(), std::memory_order_acq_rel);
        return l == mark() ? nullptr : l;
    }
    /// The leaf where the chain is parked at this moment, or null. On other threads than the chain's the answer may be
    /// old.
    [[nodiscard]] Leaf* parked() const noexcept {
        Leaf* l = word_.load(std::memory_order_acquire);
        return l == mark() ? nullptr : l;
    }

private:
    static Leaf* mark() noexcept { return reinterpret_cast<Leaf*>(std::uintptr_t{1}); }
    Atomic<Leaf*> word_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
