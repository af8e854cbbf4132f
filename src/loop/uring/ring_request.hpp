// SPDX-License-Identifier: BSL-1.0
//
// ring_request in the kernel's terms.
#pragma once

#include <bide/detail/loop/uring/ring_entry.hpp>

#include <linux/io_uring.h>

namespace bide {
inline namespace v0 {
namespace detail {

/// Into a cleared entry.
void prepare_request(io_uring_sqe& sqe, const ring_request& r) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
