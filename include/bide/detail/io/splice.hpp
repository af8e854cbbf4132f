// SPDX-License-Identifier: BSL-1.0
//
// splice_all: copies from one descriptor to another until the end, within the kernel. For copy().
#pragma once

#include <bide/detail/io/byte_ops.hpp>
#include <bide/task.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

template <class S>
concept has_descriptor = requires(S& s) {
    { stream_access::of(s) } -> std::same_as<socket_state&>;
};

/// Returns how many bytes. It is the reader of `from` and the writer of `to` meanwhile; both outlive the task.
[[nodiscard]] task<std::uint64_t> splice_all(socket_state& from, socket_state& to);

}  // namespace detail
}  // namespace v0
}  // namespace bide
