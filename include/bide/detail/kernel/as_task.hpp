// SPDX-License-Identifier: BSL-1.0
//
// Anything awaitable as a task: how what is not a coroutine is waited for, and started.
#pragma once

#include <bide/task.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

/// Any awaitable as a task. The awaitable is a parameter: it lives in the frame.
template <awaitable A>
task<await_result_t<A>> as_task(A a) {
    co_return co_await std::move(a);
}
template <class T>
task<T> as_task(task<T> t) {
    return t;
}
/// The same for one that stays with the caller.
template <class A>
task<await_result_t<A>> as_task_of(A& a) {
    co_return co_await a;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
