// SPDX-License-Identifier: BSL-1.0
//
// The set of threads behind the free functions: to_thread, make_async, run, loop_thread::to_thread.
#pragma once

namespace bide {
inline namespace v0 {
namespace detail {

class job_threads;

/// The default set. The first call makes it; nothing destroys it. The child of a fork() makes a set of its own.
[[nodiscard]] job_threads& default_threads();
/// The default set if a call of default_threads() has made it, else null.
[[nodiscard]] job_threads* made_default_threads() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
