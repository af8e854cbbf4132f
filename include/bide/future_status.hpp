// SPDX-License-Identifier: BSL-1.0
//
// future_status: how far the work behind a future is, and how it ended.
//
//     if (f.status() == bide::future_status::failed) log("it failed");       // never waits, and consumes no failure
//
// The status changes once, from pending to one of the other three. A thread that sees the new status sees the result,
// too.
//
// Thread rule: future::status() may be called from any thread.
#pragma once

#include <cstdint>

namespace bide {
inline namespace v0 {

enum class future_status : std::uint8_t {
    pending,    // the producer has not ended: it runs, waits, or has not begun
    succeeded,  // there is a value; also when the producer was asked to stop and has returned one nevertheless
    failed,     // the producer ended with an exception (broken_promise: its promise was dropped)
    cancelled   // the producer ended because it was asked to stop; waiters get bide::cancelled
};

}  // namespace v0
}  // namespace bide
