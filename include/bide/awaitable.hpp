// SPDX-License-Identifier: BSL-1.0
//
// awaitable.hpp: which types a task can co_await, and what type comes out.
//
// For generic code of your own, which takes any awaitable:
//
//     template <bide::awaitable A>
//     bide::task<bide::await_result_t<A>> logged(A work) {
//         log("begin");
//         co_return co_await std::move(work);
//     }
//
// A type is awaitable when it is one of bide's (a task, a future, sleep_for(…), m.lock(), …), or when it has an
// operator co_await or the three awaiter functions of the language. An awaitable of another library resumes the
// awaiting task on the task's own executor, whatever thread that library resumes it on.
//
// Both are about types alone: nothing is evaluated, no thread or lifetime rule applies, and nothing is thrown.
#pragma once

#include <bide/detail/kernel/awaitable.hpp>

namespace bide {
inline namespace v0 {

/// Satisfied by every type A of which a bide task can `co_await std::declval<A>()`. For a task, a single-use awaitable,
/// A is the type itself or an rvalue reference to it; a task in a variable is awaited as `co_await std::move(t)`.
template <class A>
concept awaitable = detail::native_awaitable<A> || detail::foreign_awaitable<A>;

/// The type of `co_await std::declval<A>()`.
template <awaitable A>
using await_result_t = typename detail::await_result<A>::type;

}  // namespace v0
}  // namespace bide
