// SPDX-License-Identifier: BSL-1.0
//
// awaited_on(): what shutdown() of a loop_thread or a pool asks before it waits. Asked on the thread of the calling code.
#pragma once

#include <bide/executor.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

/// Returns true if the calling code is, or is awaited by, a task on `ex`: in a job of its, in a task that it has started on
/// another executor, in a coroutine that resume_on has moved away. Such code waits for itself when it waits for the end of
/// all work on `ex`. Plain code that no task waits for gets false.
[[nodiscard]] bool awaited_on(const executor& ex) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
