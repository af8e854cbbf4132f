// SPDX-License-Identifier: BSL-1.0
//
// Makes and recognises `cancelled` as an exception_ptr. A task that leaves with it after it was asked to stop has not
// failed (2.4).
#pragma once

#include <bide/error.hpp>

#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

/// Makes the exception that waiters of cancelled work get.
[[nodiscard]] std::exception_ptr make_cancelled(stop_reason why) noexcept;
/// Returns true if `e` holds a `cancelled`.
[[nodiscard]] bool is_cancelled(const std::exception_ptr& e) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
