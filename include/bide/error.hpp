// SPDX-License-Identifier: BSL-1.0
//
// error.hpp: what can go wrong, by name.
//
// Three families, kept apart because they are handled in different places:
//   * `cancelled` means that work was asked to stop and ended for that. It is not a std::exception, so that
//     `catch (const std::exception&)` around a wait does not swallow a cancellation by accident.
//   * `usage_error` and what derives from it are mistakes in the program: the message names the task and the place, and
//     says what to do instead.
//   * errors of the world (network, files, limits) are std::system_error and are not declared here.
//
// A failure that nobody consumed is handed to the unhandled-error hook (hooks.hpp); the default hook writes it to
// stderr.
//
// Thread rule: exceptions are values.
//
//     try { crawl(url).wait(); }
//     catch (const bide::timed_out&) { /* the deadline that *we* set has passed */ }
//     catch (const bide::cancelled&) { /* somebody asked the crawl to end */ }
#pragma once

#include <bide/hooks.hpp>  // for one version: the hooks were declared here

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace bide {
inline namespace v0 {

/// Why a task was asked to stop. `none`: it was not asked.
enum class stop_reason : std::uint8_t { none, user, sibling_failed, deadline, scope_end, shutdown };

/// The reason as a word, for messages.
[[nodiscard]] const char* to_string(stop_reason why) noexcept;

/// Thrown in code that waits for work that was cancelled. Where it leaves a task that was itself asked to stop, that
/// task counts as cancelled; where it leaves any other task, it is a failure like every exception.
class cancelled {
public:
    explicit cancelled(stop_reason why = stop_reason::user) noexcept : why_(why) {}
    [[nodiscard]] stop_reason reason() const noexcept { return why_; }
    [[nodiscard]] const char* what() const noexcept;

private:
    stop_reason why_;
};

/// Thrown by the guard (with_timeout, with_deadline) whose own deadline has passed, and by no guard around it.
class timed_out : public std::runtime_error {
public:
    timed_out();
};

/// A mistake in the program. The message names the place and the remedy.
class usage_error : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// A wait of which bide found that it can never end. The message holds the chain of waits and the remedy.
class would_deadlock : public usage_error {
public:
    using usage_error::usage_error;
};

/// future::value() was called before the result was there.
class not_ready : public usage_error {
public:
    not_ready();
};

/// Work was given to a loop, thread or pool that has not been started or has been stopped.
class not_running : public usage_error {
public:
    using usage_error::usage_error;
};

/// A scope_ref was asked to start something after its scope had ended. The callable was not run.
class scope_closed : public usage_error {
public:
    scope_closed();
};

/// A promise was destroyed without having been completed.
class broken_promise : public usage_error {
public:
    broken_promise();
};

/// An operating-system limit that bide keeps for itself was reached (threads).
class limit_reached : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Thrown at the end of a scope with exit_mode::fail that still had unfinished tasks; names where each was started.
class unfinished_tasks : public std::runtime_error {
public:
    explicit unfinished_tasks(std::vector<std::string> places);
    [[nodiscard]] const std::vector<std::string>& places() const noexcept { return places_; }

private:
    std::vector<std::string> places_;
};

/// Several failures together (error_mode::keep_going), in the order in which their tasks were started. Never empty.
class exception_group : public std::runtime_error {
public:
    explicit exception_group(std::vector<std::exception_ptr> errors);
    [[nodiscard]] const std::vector<std::exception_ptr>& errors() const noexcept { return errors_; }

private:
    std::vector<std::exception_ptr> errors_;
};

/// The text of an exception for messages: what() of a std::exception, the reason of a `cancelled`, else a fixed text.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

}  // namespace v0
}  // namespace bide
