// SPDX-License-Identifier: BSL-1.0
//
// How the awaitables of bide are told from those of other libraries. bide's own are *native*: they have a member
//     awaiter native_awaiter(promise_base& p) &&
// which makes the awaiter in place, from the promise of the awaiting frame (G1: no awaiter is moved). Every other type
// with an operator co_await, or with the three awaiter functions, is *foreign*: a foreign_leaf awaits it
// (foreign_leaf.hpp). The public concept is in bide/awaitable.hpp.
#pragma once

#include <bide/detail/kernel/kernel.hpp>

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class A>
concept native_awaitable = requires(A&& a, promise_base& p) { std::forward<A>(a).native_awaiter(p); };

// Asked only for types that an operator co_await can take: clang instantiates the operator's declaration before it
// checks the operator's constraints, and rejects the declaration for a pointer to a function.
template <class A>
concept free_co_await = (std::is_class_v<std::remove_cvref_t<A>> || std::is_union_v<std::remove_cvref_t<A>> ||
                         std::is_enum_v<std::remove_cvref_t<A>>) &&
                        requires(A&& a) { operator co_await(std::forward<A>(a)); };

template <class A>
decltype(auto) foreign_awaiter_of(A&& a) {
    if constexpr (requires { std::forward<A>(a).operator co_await(); })
        return std::forward<A>(a).operator co_await();
    else if constexpr (free_co_await<A>)
        return operator co_await(std::forward<A>(a));
    else
        return std::forward<A>(a);
}

template <class A>
concept foreign_awaitable = !native_awaitable<A> && requires(A&& a, std::coroutine_handle<> h) {
    { foreign_awaiter_of(std::forward<A>(a)).await_ready() } -> std::convertible_to<bool>;
    foreign_awaiter_of(std::forward<A>(a)).await_suspend(h);
    foreign_awaiter_of(std::forward<A>(a)).await_resume();
};

/// The primary template serves types that cannot be awaited, so that clang's error message names the concept
/// `awaitable` and not this template.
template <class A>
struct await_result {
    using type = void;
};
template <native_awaitable A>
struct await_result<A> {
    using type = decltype(std::declval<A>().native_awaiter(std::declval<promise_base&>()).await_resume());
};
template <foreign_awaitable A>
struct await_result<A> {
    using type = decltype(foreign_awaiter_of(std::declval<A>()).await_resume());
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
