// SPDX-License-Identifier: BSL-1.0
//
// Start-like functions know the line that called them. A default argument cannot follow a parameter pack, so there is
// one overload per number of arguments, up to 8; with more arguments the place is that of the forwarding call.
#pragma once

#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {
template <class T>
concept not_location = !std::is_same_v<std::remove_cvref_t<T>, std::source_location>;
}  // namespace detail
}  // namespace v0
}  // namespace bide

#define BIDE_DETAIL_HERE std::source_location where = std::source_location::current()
#define BIDE_DETAIL_FWD(n) std::forward<A##n>(a##n)

#define BIDE_DETAIL_CALL_SITE_OVERLOADS(attributes, name, impl)                                                     \
    template <class F>                                                                                              \
    attributes auto name(F&& f, BIDE_DETAIL_HERE) {                                                                 \
        return impl(where, std::forward<F>(f));                                                                     \
    }                                                                                                               \
    template <class F, ::bide::detail::not_location A1>                                                             \
    attributes auto name(F&& f, A1&& a1, BIDE_DETAIL_HERE) {                                                        \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1));                                                 \
    }                                                                                                               \
    template <class F, class A1, ::bide::detail::not_location A2>                                                   \
    attributes auto name(F&& f, A1&& a1, A2&& a2, BIDE_DETAIL_HERE) {                                               \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2));                             \
    }                                                                                                               \
    template <class F, class A1, class A2, ::bide::detail::not_location A3>                                         \
    attributes auto name(F&& f, A1&& a1, A2&& a2, A3&& a3, BIDE_DETAIL_HERE) {                                      \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2), BIDE_DETAIL_FWD(3));         \
    }                                                                                                               \
    template <class F, class A1, class A2, class A3, ::bide::detail::not_location A4>                               \
    attributes auto name(F&& f, A1&& a1, A2&& a2, A3&& a3, A4&& a4, BIDE_DETAIL_HERE) {                             \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2), BIDE_DETAIL_FWD(3),          \
                    BIDE_DETAIL_FWD(4));                                                                            \
    }                                                                                                               \
    template <class F, class A1, class A2, class A3, class A4, ::bide::detail::not_location A5>                     \
    attributes auto name(F&& f, A1&& a1, A2&& a2, A3&& a3, A4&& a4, A5&& a5, BIDE_DETAIL_HERE) {                    \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2), BIDE_DETAIL_FWD(3),          \
                    BIDE_DETAIL_FWD(4), BIDE_DETAIL_FWD(5));                                                        \
    }                                                                                                               \
    template <class F, class A1, class A2, class A3, class A4, class A5, ::bide::detail::not_location A6>           \
    attributes auto name(F&& f, A1&& a1, A2&& a2, A3&& a3, A4&& a4, A5&& a5, A6&& a6, BIDE_DETAIL_HERE) {           \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2), BIDE_DETAIL_FWD(3),          \
                    BIDE_DETAIL_FWD(4), BIDE_DETAIL_FWD(5), BIDE_DETAIL_FWD(6));                                    \
    }                                                                                                               \
    template <class F, class A1, class A2, class A3, class A4, class A5, class A6, ::bide::detail::not_location A7> \
    attributes auto name(F&& f, A1&& a1, A2&& a2, A3&& a3, A4&& a4, A5&& a5, A6&& a6, A7&& a7, BIDE_DETAIL_HERE) {  \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2), BIDE_DETAIL_FWD(3),          \
                    BIDE_DETAIL_FWD(4), BIDE_DETAIL_FWD(5), BIDE_DETAIL_FWD(6), BIDE_DETAIL_FWD(7));                \
    }                                                                                                               \
    template <class F, class A1, class A2, class A3, class A4, class A5, class A6, class A7,                        \
              ::bide::detail::not_location A8>                                                                      \
    attributes auto name(F&& f, A1&& a1, A2&& a2, A3&& a3, A4&& a4, A5&& a5, A6&& a6, A7&& a7, A8&& a8,             \
                         BIDE_DETAIL_HERE) {                                                                        \
        return impl(where, std::forward<F>(f), BIDE_DETAIL_FWD(1), BIDE_DETAIL_FWD(2), BIDE_DETAIL_FWD(3),          \
                    BIDE_DETAIL_FWD(4), BIDE_DETAIL_FWD(5), BIDE_DETAIL_FWD(6), BIDE_DETAIL_FWD(7),                 \
                    BIDE_DETAIL_FWD(8));                                                                            \
    }                                                                                                               \
    template <class F, class... A>                                                                                  \
        requires(sizeof...(A) > 8)                                                                                  \
    attributes auto name(F&& f, A&&... a) {                                                                         \
        return impl(std::source_location::current(), std::forward<F>(f), std::forward<A>(a)...);                    \
    }

/// For functions that return a future which may be dropped.
#define BIDE_DETAIL_SUBMIT_OVERLOADS(name, impl) BIDE_DETAIL_CALL_SITE_OVERLOADS(, name, impl)
