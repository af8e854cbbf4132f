// SPDX-License-Identifier: BSL-1.0
//
// Threads of bide's own: named, joined, and with every signal blocked but those that report a fault of the thread
// itself, so that the program's signals are taken where it expects them.
#pragma once

#include <pthread.h>

namespace bide {
inline namespace v0 {
namespace detail {

/// Runs f(with) on a new thread. Returns 0, or the error number (EAGAIN: the system allows no more threads).
[[nodiscard]] int start_thread(pthread_t& made, void* (*f)(void*), void* with) noexcept;

/// Names the calling thread; the kernel keeps 15 characters.
void name_this_thread(const char* name) noexcept;

/// For tests: start_thread() calls it first, and returns its result if that is not 0. Null: it makes every thread.
using thread_refusal = int (*)();
thread_refusal refuse_threads(thread_refusal ask) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
