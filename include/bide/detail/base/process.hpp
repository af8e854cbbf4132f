// SPDX-License-Identifier: BSL-1.0
//
// Tells a process from the child of a fork(): a child has none of its parent's threads, and must not wait for them.
#pragma once

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

/// Returns a number that changes in the child of a fork(). An object with threads keeps the number with which it was
/// made. Where the numbers differ, the object was inherited and its threads do not exist; using it is an error that
/// says so. Reading the number is one load, while getpid() is a system call.
[[nodiscard]] int process_generation() noexcept;

extern std::atomic<int> process_forks;
/// Returns true if `generation` is this process's own.
[[nodiscard]] inline bool of_this_process(int generation) noexcept {
    return process_forks.load(std::memory_order_relaxed) == generation;  // relaxed: see process_generation
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
