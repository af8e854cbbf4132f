// SPDX-License-Identifier: BSL-1.0
//
// What can be awaited, and what comes out. bide's own awaitables are *native*: they have a member
//     awaiter native_awaiter(promise_base& p) &&
// that makes the awaiter in place, with the awaiting frame known. Any coroutine type may await them (see foreign.hpp);
// everything else with an operator co_await or the three awaiter functions is *foreign* to bide's tasks.
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

// Only for types that such an operator can take: clang instantiates the operator's declaration before it looks at its
// constraints, and refuses one for a pointer to a function.
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

/// Of what cannot be awaited there is one, too: so clang's message is about the concept, and not about this.
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

/// Anything that a bide task can co_await.
template <class A>
concept awaitable = detail::native_awaitable<A> || detail::foreign_awaitable<A>;

/// The type of `co_await std::declval<A>()`.
template <awaitable A>
using await_result_t = typename detail::await_result<A>::type;

}  // namespace v0
}  // namespace bide
