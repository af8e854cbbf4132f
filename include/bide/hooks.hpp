// SPDX-License-Identifier: BSL-1.0
//
// hooks.hpp: where a program hears of what no call can return to it, and the switches for how much of it there is.
//
//   * the unhandled-error hook gets every failure that nobody consumed;
//   * the report hook gets findings that are no failures: standstills, stalls, dropped tasks, jobs alive at exit;
//   * dev mode and the stall delay say which findings are looked for.
//
//     bide::set_unhandled_error_hook([](std::exception_ptr error, const char* where) {
//         log_error(where, bide::describe(error));
//     });
//
// Thread rule: the hooks may be set and called from any thread, at the same time. Lifetime rule: a hook is a plain function;
// what it uses has to outlive the last task. Errors: what a hook throws is dropped, since no caller could take it.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <exception>
#include <optional>
#include <string>

namespace bide {
inline namespace v0 {

/// Called with every failure that nobody consumed; `where` says which part of bide had it in hand. It may be called
/// from any thread and must not throw (what it throws is dropped).
using unhandled_error_hook = void (*)(std::exception_ptr error, const char* where);

/// Sets the hook and returns the former one; nullptr restores the default, which writes to stderr.
unhandled_error_hook set_unhandled_error_hook(unhandled_error_hook hook) noexcept;

/// Hands a failure to the hook.
void report_unhandled(std::exception_ptr error, const char* where) noexcept;

/// Called with findings that are not failures: standstills, stalls, dropped tasks. Default: a line on stderr.
using report_hook = void (*)(const std::string& text);
report_hook set_report_hook(report_hook hook) noexcept;
void report(const std::string& text) noexcept;

/// True when the environment has BIDE_DEV=1 (read once): dropped tasks, standstills, stalls and jobs alive at
/// exit are reported.
[[nodiscard]] bool dev_mode() noexcept;

/// A stall: a thread of bide's, or one that waits in plain code, has nothing to do, no timer and no deadline, watches
/// no descriptor, has no job out, and all that it waits for are events, channels, semaphores, latches, barriers,
/// conditions, promises or foreign code, of which nobody knows who will end them. It may be that another thread does,
/// in time; so after `delay` without anything to do it is reported, once for each sleep, and ever more rarely for the
/// same place. std::nullopt, the default: after 5 s in dev mode, and not without it. max(): never. In virtual time
/// (testing/virtual_time.hpp) a stall is reported at once when no other thread is known that could end it; with or
/// without dev mode, unless the delay is max().
void set_stall_delay(std::optional<std::chrono::milliseconds> delay) noexcept;
/// The delay that holds now; max(): never.
[[nodiscard]] std::chrono::milliseconds stall_delay() noexcept;

/// Switches dev mode from inside the program (tests, tools).
void set_dev_mode(bool on) noexcept;

namespace detail {
/// The stall delay was set to never, so that stalls in virtual time are not reported either.
[[nodiscard]] bool stall_delay_is_never() noexcept;
}  // namespace detail

}  // namespace v0
}  // namespace bide
