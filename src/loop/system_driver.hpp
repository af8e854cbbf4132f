// SPDX-License-Identifier: BSL-1.0
//
// The driver of a loop in real time: system_driver.cpp has its class.
#pragma once

#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/loop/driver.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

/// A driver that makes the ring at the first completion-shaped I/O, if `may_have_ring` and the kernel allow one.
[[nodiscard]] owned_ptr<driver> make_system_driver(bool may_have_ring);

}  // namespace detail
}  // namespace v0
}  // namespace bide
