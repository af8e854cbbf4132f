// SPDX-License-Identifier: BSL-1.0
//
// make_system_driver: the driver of a loop in real time. driver.cpp calls it when a loop is made, on the thread that
// makes the loop. The class itself is in system_driver.cpp: the loop knows only its base (detail/loop/driver.hpp).
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
