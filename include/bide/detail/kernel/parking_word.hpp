// SPDX-License-Identifier: BSL-1.0
//
// parking_word: who resumes a chain of frames that waits. One word, three states:
//     null       the chain is running (or is being resumed)
//     a leaf     it is parked there; whoever changes the word owns the resumption
//     requested  stop was asked for; stays so for ever
// A completer claims the leaf (leaf -> null), a stop request exchanges it for `requested`: exactly one of them wins.
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
        // acquire: who sees the request also sees what the requester wrote before it (the reason).
        return word_.load(std::memory_order_acquire) == mark();
    }
    /// False: stop was already requested, the leaf is not parked.
    [[nodiscard]] bool park(Leaf& l) noexcept {
        Leaf* running = nullptr;
        // release: the requester reads the leaf that it takes out.
        return word_.compare_exchange_strong(running, &l, std::memory_order_release, std::memory_order_relaxed);
    }
    /// True: the caller owns the resumption of the leaf. Called under the lock of the leaf's primitive.
    [[nodiscard]] bool claim(Leaf& l) noexcept {
        Leaf* expected = &l;
        // acq_rel: acquire the leaf's state, release what the completer wrote into it for a later request.
        return word_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel, std::memory_order_relaxed);
    }
    /// From now on stop is requested. The leaf that was parked, whose resumption (as unwinding) is the caller's; or
    /// null.
    [[nodiscard]] Leaf* request() noexcept {
        // acq_rel: release the reason to whoever sees the mark, acquire the leaf that was parked.
        Leaf* l = word_.exchange(mark(), std::memory_order_acq_rel);
        return l == mark() ? nullptr : l;
    }
    /// Where it is parked at this moment; for the debug view, on the chain's own thread.
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
