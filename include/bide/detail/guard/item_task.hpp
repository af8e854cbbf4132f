// SPDX-License-Identifier: BSL-1.0
//
// item_task: what is handed to a combinator or to as_result, as a task of a value that the task owns.
#pragma once

#include <bide/detail/guard/guard.hpp>
#include <bide/future.hpp>

#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class T>
struct is_future : std::false_type {};
template <class T>
struct is_future<future<T>> : std::true_type {};

template <class T>
task<T> observe(future<T> f) {
    static_assert(std::is_void_v<T> || std::is_reference_v<T> || std::is_copy_constructible_v<T>,
                  "bide: the value of this future cannot be copied: hand the future over with std::move(f)");
    const future<T>& shared = f;  // an lvalue: the value stays for the other handles
    co_return co_await shared;
}

/// Makes a task of an item. A future that stays with the caller is observed, and its value is copied.
template <class A>
auto item_task(A&& item) {
    if constexpr (std::is_lvalue_reference_v<A> && is_future<std::remove_cvref_t<A>>::value)
        return observe(item);
    else
        return to_task(std::forward<A>(item));
}
template <class A>
using item_result_t = typename decltype(item_task(std::declval<A>()))::value_type;

}  // namespace detail
}  // namespace v0
}  // namespace bide
