// SPDX-License-Identifier: BSL-1.0
//
// The slow path of spin_lock: a thread that finds the lock taken waits here until the holder gives it back. Also the
// pause between two looks at a shared word, which short_spin uses.
#include <bide/detail/base/spin_lock.hpp>

#include <sched.h>

namespace bide {
inline namespace v0 {
namespace detail {

void spin_wait(unsigned& round) noexcept {
    constexpr unsigned spins = 64;  // about a microsecond: longer than any section that this lock protects
    if (++round < spins) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    } else {
        ::sched_yield();
    }
}

void spin_lock::lock_slowly() noexcept {
    unsigned round = 0;
    do {
        // relaxed: only looking; the exchange below is what acquires.
        while (held_.load(std::memory_order_relaxed)) spin_wait(round);
    } while (held_.exchange(true, std::memory_order_acquire));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
