// SPDX-License-Identifier: BSL-1.0
//
// invoke(f, args…): does what std::invoke does, whose header <functional> takes a tenth of a second of every user's
// build. It calls a callable, and leaves a pointer to a member (also of an object behind a pointer or a
// reference_wrapper) to std::apply, which the standard defines by std::invoke.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class F, class... A>
    requires std::is_invocable_v<F, A...>
constexpr std::invoke_result_t<F, A...> invoke(F&& f, A&&... args) noexcept(std::is_nothrow_invocable_v<F, A...>) {
    if constexpr (std::is_member_pointer_v<std::remove_cvref_t<F>>)
        return std::apply(std::forward<F>(f), std::forward_as_tuple(std::forward<A>(args)...));
    else
        return std::forward<F>(f)(std::forward<A>(args)...);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
