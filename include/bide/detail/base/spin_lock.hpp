// SPDX-License-Identifier: BSL-1.0
//
// A lock of one byte for sections of a few instructions, in which nothing of the user's runs. One read-modify-write
// to take it, one store to give it back. After a short spin it yields the processor, so that a holder that was
// preempted can go on (two cores, one of them ours).
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/lock_guard.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

void spin_wait(unsigned& round) noexcept;  // pause, later sched_yield

class BIDE_CAPABILITY("spin_lock") spin_lock {
public:
    void lock() noexcept BIDE_ACQUIRE() {
        // acquire: what the former holder wrote is visible; pairs with the release in unlock.
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
