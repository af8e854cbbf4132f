// SPDX-License-Identifier: BSL-1.0
//
// A lock of one byte for sections of a few instructions in which no user code runs. Taking it is one read-modify-write,
// releasing it one store. A waiting thread yields the processor after a short spin, so that a preempted holder can
// finish.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/lock_guard.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

/// Pauses a spinning thread for one round; from the 64th round on it yields the processor.
void spin_wait(unsigned& round) noexcept;

class BIDE_CAPABILITY("spin_lock") spin_lock {
public:
    void lock() noexcept BIDE_ACQUIRE() {
        // acquire: this thread sees what the former holder wrote; pairs with the release in unlock().
        if (!held_.exchange(true, std::memory_order_acquire)) [[likely]]
            return;
        lock_slowly();
    }
    void unlock() noexcept BIDE_RELEASE() { held_.store(false, std::memory_order_release); }

private:
    void lock_slowly() noexcept;
    std::atomic<bool> held_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
