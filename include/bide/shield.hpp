// SPDX-License-Identifier: BSL-1.0
//
// shield.hpp: with_stop, stopped_as_optional, shield and finally: what may stop an operation, what a stopped operation
// gives, and cleanups that wait.
//
//     co_await bide::with_stop(quit.token(), serve());          // the token may stop it too; throws cancelled then
//
//     auto page = co_await bide::stopped_as_optional(fetch(url));    // empty if it was cancelled; the caller continues
//
//     co_await bide::shield(commit(transaction));               // no stop request and no deadline from outside reaches it
//
//     co_await bide::finally(use(connection),                   // the connection is closed when use() has ended, by a
//                            close(connection), 2s);            // value, an exception or a stop; within two seconds
//
// Stopping is level-triggered: a task that was asked stays asked. So after a shielded operation, and after
// stopped_as_optional, the next wait of the caller ends it. A destructor cannot wait; what has to wait in a cleanup
// belongs into finally. The cleanup is a task, or a function that is called when the body has ended and returns one.
// Nested cleanups run last in, first out.
//
// finally ends as its body did: with the body's value, failure or stop. If only the cleanup fails, finally throws the
// cleanup's failure. If both fail, finally throws the body's, and the cleanup's goes to the unhandled-error hook. A
// cleanup that has not ended at its limit is stopped and reported (set_report_hook); finally ends as the body did then.
//
// Thread rule: the awaitables are values; await them anywhere, in plain code .wait().
// Lifetime rule: each holds its operation (an lvalue future by a copy of the handle). One that is never awaited never
//   runs, and neither does a cleanup whose body was never begun.
// Durations: a limit of zero or less stops the cleanup at its first wait; max() means no limit.
// Errors: those of the operation; `cancelled` from with_stop if its token asked.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/guard/stop_guards.hpp>

#include <source_location>

namespace bide {
inline namespace v0 {

/// Awaits op, which the token may stop as well as the caller's own stop. Throws `cancelled` if the token stopped it.
template <awaitable A>
[[nodiscard]] auto with_stop(stop_token token, A&& op) {
    using guarded = detail::guarded<detail::task_result_t<A>, detail::stop_guard>;
    return guarded(detail::to_task(std::forward<A>(op)), std::move(token));
}

/// Awaits op. No stop request and no deadline from outside reaches op.
template <awaitable A>
[[nodiscard]] auto shield(A&& op) {
    using guarded = detail::guarded<detail::task_result_t<A>, detail::shield_guard>;
    return guarded(detail::to_task(std::forward<A>(op)));
}

/// Awaits op. Gives an empty optional if op was stopped, or left with `cancelled` because it had waited for something
/// cancelled. void becomes std::monostate, a reference std::reference_wrapper.
template <awaitable A>
[[nodiscard]] auto stopped_as_optional(A&& op) {
    return detail::optional_op<detail::task_result_t<A>>(detail::to_task(std::forward<A>(op)));
}

/// Awaits the body, then the cleanup, which only the limit stops.
template <awaitable A, class C, class Rep, class Period>
[[nodiscard]] auto finally(A&& body, C&& cleanup, const std::chrono::duration<Rep, Period>& limit,
                           std::source_location where = std::source_location::current()) {
    static_assert(awaitable<C> || std::is_invocable_v<std::decay_t<C>&>,
                  "bide: a cleanup is a task (or another awaitable), or a function that gives one");
    return detail::finally_task(detail::to_task(std::forward<A>(body)), detail::keep_cleanup(std::forward<C>(cleanup)),
                                detail::time_limit(detail::clamp_duration(limit)), where);
}

}  // namespace v0
}  // namespace bide
