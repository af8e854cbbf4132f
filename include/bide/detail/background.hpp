// SPDX-License-Identifier: BSL-1.0
//
// bide's own loop in the background: for executors without one and for foreign coroutines. Made on first use.
#pragma once

namespace bide {
inline namespace v0 {
class loop;
namespace detail {
[[nodiscard]] loop& background_loop() noexcept;
} // namespace detail
} // namespace v0
} // namespace bide
