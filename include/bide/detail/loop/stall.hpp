// SPDX-License-Identifier: BSL-1.0
//
// Stalls: a loop sleeps, nothing that it knows of will ever wake it, and its tasks wait for things without an owner
// that the wait graph could follow (1.6). The loop looks at its own tasks, on its own thread, once in each such sleep.
//
// The loop reports a stall only if all of its tasks wait in this way, or for one another. It reports none if a single
// task waits for something that can come from elsewhere (another loop's future, a lock that a thread has, a deadline)
// or has moved to another executor (resume_on), and none if it has no tasks.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {

class loop;

namespace detail {

/// What a loop remembers about its sleeps.
struct stall_watch {
    bool looked = false;                            // the loop has looked since it last ran a node
    std::chrono::steady_clock::time_point since{};  // the time since which it has run no node; the epoch: not known
    const char* file = nullptr;                     // the place of the last report
    std::uint32_t line = 0;
    std::chrono::steady_clock::time_point quiet_until{};  // no report of the same place before this time
    std::chrono::steady_clock::duration quiet{};          // the last such interval; it doubles each time
};

/// Returns how long a sleep that nothing known ends may still last before the loop looks; max(): for ever. The loop
/// calls it before and after such a sleep.
[[nodiscard]] std::chrono::milliseconds time_until_look(stall_watch& watch) noexcept;
/// Reports the sleep, if it is a stall. The loop calls it when that time is over.
void report_stall(loop& l, stall_watch& watch) noexcept;
/// Reports the sleep, if it is a stall. In virtual time the loop calls it before such a sleep. Returns false if another
/// thread may end the sleep.
[[nodiscard]] bool report_certain_stall(loop& l) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
