// SPDX-License-Identifier: BSL-1.0
//
// What a process must not share with the child of a fork(): threads, and whatever waits for them.
#pragma once

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

/// Changes in the child of a fork(). Whatever belongs to threads keeps the number under which it was made: where the
/// numbers differ it was inherited, its threads do not exist, and it is refused with an error that says so. Reading it
/// costs nothing (getpid() is a system call).
[[nodiscard]] int process_generation() noexcept;

extern std::atomic<int> process_forks;
/// The same for who has a number already.
[[nodiscard]] inline bool of_this_process(int generation) noexcept {
    return process_forks.load(std::memory_order_relaxed) == generation;  // relaxed: see process_generation
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
