// SPDX-License-Identifier: BSL-1.0
//
// prepare_request: translates what an operation asks for (ring_request, detail/loop/uring/ring_entry.hpp) into the
// kernel's terms. ring calls it on the thread that owns the ring.
#pragma once

#include <bide/detail/loop/uring/ring_entry.hpp>

#include <linux/io_uring.h>

namespace bide {
inline namespace v0 {
namespace detail {

/// Fills in a cleared submission entry.
void prepare_request(io_uring_sqe& sqe, const ring_request& r) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
