// SPDX-License-Identifier: BSL-1.0
//
// bide's own loop in the background: for executors without one and for foreign coroutines. Made on first use, with its
// thread; leaving main neither stops it nor waits for it.
#pragma once

namespace bide {
inline namespace v0 {
class loop;
namespace detail {
/// The same loop in the whole life of the process; after shutdown_background() it gets a new thread.
[[nodiscard]] loop& background_loop();
/// Stops every task of the background loop, runs their cleanup to its end, and joins the thread. Nothing when the loop
/// was never used. Throws usage_error on the loop's own thread.
void shutdown_background();
}  // namespace detail
}  // namespace v0
}  // namespace bide
