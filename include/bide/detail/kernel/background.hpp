// SPDX-License-Identifier: BSL-1.0
//
// bide's background loop: it carries the timers and the I/O of executors that have no loop, and runs what foreign
// coroutines await. The first use makes it and its thread. Returning from main neither stops it nor waits for it.
#pragma once

namespace bide {
inline namespace v0 {
class loop;
namespace detail {
/// Returns the same loop in the whole life of the process; after shutdown_background() it gets a new thread.
[[nodiscard]] loop& background_loop();
/// Requests a stop of every task of the background loop, runs them to their ends, and joins the thread. Does nothing if
/// the loop was never used. Throws usage_error on the loop's own thread.
void shutdown_background();
}  // namespace detail
}  // namespace v0
}  // namespace bide
