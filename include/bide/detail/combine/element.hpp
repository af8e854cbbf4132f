// SPDX-License-Identifier: BSL-1.0
//
// How a result is stored as one element of a tuple, vector or variant of results.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <type_traits>
#include <variant>

namespace bide {
inline namespace v0 {
namespace detail {

/// void becomes std::monostate, a reference becomes a std::reference_wrapper, every other type stays what it is.
template <class T>
using element_t = std::conditional_t<
    std::is_void_v<T>, std::monostate,
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>, T>>;

}  // namespace detail
}  // namespace v0
}  // namespace bide
