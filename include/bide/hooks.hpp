// SPDX-License-Identifier: BSL-1.0
//
// hooks.hpp: how bide reports what no call can return, and the switches for which findings it looks for.
//
//   * the unhandled-error hook gets every failure that no wait and no await consumed;
//   * the report hook gets findings that are no failures: standstills, stalls, dropped tasks, jobs alive at exit;
//   * dev mode and the stall delay say which findings are looked for.
//
//     bide::set_unhandled_error_hook([](std::exception_ptr error, const char* where) {
//         log_error(where, bide::describe(error));
//     });
//
// Thread rule: any thread may set a hook, and bide calls it on any thread, several at the same time.
// Lifetime rule: a hook is a plain function; what the function uses has to outlive the last task.
// Errors: bide drops what a hook throws, since no caller could handle it. No function here throws.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <exception>
#include <optional>
#include <string>

namespace bide {
inline namespace v0 {

/// bide calls it with every failure that no wait and no await consumed, on the thread that finds it. `where` names the
/// part of bide that reports it.
using unhandled_error_hook = void (*)(std::exception_ptr error, const char* where);

/// Sets the hook and returns the former one. nullptr restores the default, which writes to stderr.
unhandled_error_hook set_unhandled_error_hook(unhandled_error_hook hook) noexcept;

/// Hands a failure to the hook.
void report_unhandled(std::exception_ptr error, const char* where) noexcept;

/// bide calls it with findings that are no failures: standstills, stalls, dropped tasks.
using report_hook = void (*)(const std::string& text);

/// Sets the hook and returns the former one. nullptr restores the default, which writes a line to stderr.
report_hook set_report_hook(report_hook hook) noexcept;

/// Hands a finding to the hook.
void report(const std::string& text) noexcept;

/// Returns true if dev mode is on: by BIDE_DEV=1 in the environment (read once), or by set_dev_mode(). Dropped tasks,
/// standstills, stalls and jobs that are alive at exit are then reported.
[[nodiscard]] bool dev_mode() noexcept;

/// Sets after how long a stall is reported. A thread stalls when it runs a loop of bide's, or waits in plain code, and
/// has no ready task, no timer, no deadline, no watched descriptor and no job out, while all of its tasks wait for
/// events, channels, semaphores, latches, barriers, conditions, promises or foreign code, of which bide cannot know
/// what will end them. Another thread may still end such a wait, so the report comes after `delay`, once for each
/// sleep, and ever more rarely for the same place. std::nullopt, the default, means 5 s in dev mode and never without
/// it; max() means never. In virtual time (testing/virtual_time.hpp) a stall is reported at once if no other thread is
/// known that could end it, with or without dev mode, unless the delay is max().
void set_stall_delay(std::optional<std::chrono::milliseconds> delay) noexcept;
/// The delay that is in force; max() means never.
[[nodiscard]] std::chrono::milliseconds stall_delay() noexcept;

/// Switches dev mode from inside the program (tests, tools).
void set_dev_mode(bool on) noexcept;

namespace detail {
/// Returns true if the stall delay was set to max(), so that stalls in virtual time are not reported either.
[[nodiscard]] bool stall_delay_is_never() noexcept;
}  // namespace detail

}  // namespace v0
}  // namespace bide
