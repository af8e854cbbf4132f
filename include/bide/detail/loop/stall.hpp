// SPDX-License-Identifier: BSL-1.0
//
// Stalls: a loop sleeps, nothing that it knows of will ever wake it, and what its tasks wait for has no owner whom the
// wait graph could follow (1.6). The loop looks at its own tasks, on its own thread, once in each such sleep.
//
// It is called a stall only if all tasks of the loop wait in this way, or for one another; if a single one waits for
// something that can come from elsewhere (another loop's future, a lock that a thread has, a deadline), or has moved to
// another executor (resume_on), the sleep is left alone. So is a loop without tasks.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {

class loop;

namespace detail {

/// What a loop remembers about its sleeps.
struct stall_watch {
    bool looked = false;                            // since the loop last had something to do
    std::chrono::steady_clock::time_point since{};  // when it began to have nothing to do; the epoch: not known
    const char* file = nullptr;                     // of the last report
    std::uint32_t line = 0;
    std::chrono::steady_clock::time_point quiet_until{};  // the same place is not reported again before
    std::chrono::steady_clock::duration quiet{};          // twice as long each time
};

/// Before and after a sleep that nothing known ends: how long it may last until it is looked at. max(): for ever.
[[nodiscard]] std::chrono::milliseconds time_until_look(stall_watch& watch) noexcept;
/// When that time is over: reports the sleep, if it is a stall.
void report_stall(loop& l, stall_watch& watch) noexcept;
/// In virtual time, before such a sleep. False: another thread may end it.
[[nodiscard]] bool report_certain_stall(loop& l) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
