// SPDX-License-Identifier: BSL-1.0
//
// Asks the kernel whether a thread of this process is blocked. The watch of a thread set (job_threads.cpp) calls it, on
// its own thread.
#pragma once

#include <sys/types.h>

namespace bide {
inline namespace v0 {
namespace detail {

/// Returns true if the kernel says that the thread sleeps (S) or waits for a device (D). A thread of which nothing can
/// be learnt counts as running.
[[nodiscard]] bool is_blocked(pid_t thread) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
