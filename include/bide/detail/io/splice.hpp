// SPDX-License-Identifier: BSL-1.0
//
// From descriptor to descriptor within the kernel.
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

[[nodiscard]] task<std::uint64_t> splice_all(socket_state& from, socket_state& to);

}  // namespace detail
}  // namespace v0
}  // namespace bide
