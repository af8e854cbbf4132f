// SPDX-License-Identifier: BSL-1.0
//
// time.hpp: sleep, give way, put a deadline on anything, and ask what time it is.
//
//     co_await bide::sleep_for(10ms);
//     std::string page = co_await bide::with_timeout(2s, fetch(url));   // throws timed_out
//
//     bide::task<> greet(stream& s) {                                    // asks how much of its caller's time is left
//         if (auto left = bide::time_left(); left && *left < 10ms) co_return;
//         co_await s.write_all("welcome");
//     }
//
//     for (auto at = bide::now(); ; at += 1s) {                          // every second, without drift
//         co_await bide::sleep_until(at);
//         co_await report();
//     }
//
// The clock: points in time are points of std::chrono::steady_clock, as bide::now() gives them. now() asks the clock by
//   which the calling code's waits end: in a task that of the task's loop, real or virtual, so that in a test
//   sleep_until(now() + 10s) takes ten virtual seconds; in plain code that of the loop that a wait() there would run.
//   Where no loop is (a job on a thread, a task of a pool) now() is steady_clock::now().
//   TRAP: steady_clock::now() is always real time. In a task in virtual time it has no relation to the loop's clock.
// with_timeout and with_deadline ask their operation to stop when the time is over, wait until its cleanup has ended,
// and throw timed_out. An operation that has its result in spite of that gives it. The deadline is inherited by
// everything that the operation awaits, waits for or starts in scopes of its own; an inner deadline is never later than
// an outer one. Only the guard whose own deadline has passed throws timed_out; the guards inside it pass the stop on.
//
// Durations: counted from the await. A duration of zero or less is over immediately: a sleeping task still looks for a
//   stop request; a guarded operation is asked to stop before it begins, ends at its first wait, and gives its result
//   if it has no wait. max() never ends.
// Precision: no wait ends early. In virtual time it ends exactly then. In real time it ends later by what the system
//   takes to wake a thread (on Linux about 60 µs, on epoll up to 1 ms). Where timers fall due one after another every
//   few microseconds, it ends up to 1 ms later, so that they share their wake-ups.
// Cancellation: a sleeping task that is asked to stop unwinds immediately. A guard passes a stop request to its
//   operation, and the awaiting task unwinds when the operation has ended.
// Errors: timed_out, and what the operation throws.
// Thread rule: the awaitables are values; await them anywhere. In plain code: bide::wait(sleep_for(10ms)) or .wait().
// Lifetime rule: a guard holds its operation (an lvalue future by a copy of the handle). An operation whose guard is
//   never awaited never runs.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/guard/deadline.hpp>
#include <bide/detail/loop/sleep.hpp>
#include <bide/wait.hpp>

#include <optional>

namespace bide {
inline namespace v0 {

namespace detail {
template <class T>
class sleep_op {
public:
    explicit sleep_op(T t) noexcept : t_(t) {}
    [[nodiscard]] sleep_awaiter native_awaiter(promise_base& p) const noexcept { return sleep_awaiter(p, t_); }
    void wait(std::source_location where = std::source_location::current()) const { as_task(*this).wait(where); }

private:
    T t_;
};
class yield_op {
public:
    yield_op() noexcept = default;
    [[nodiscard]] yield_awaiter native_awaiter(promise_base& p) const noexcept { return yield_awaiter(p); }
    void wait(std::source_location where = std::source_location::current()) const { as_task(*this).wait(where); }
};
}  // namespace detail

/// Returns the time of the calling code's loop, real or virtual; of the steady clock where no loop is. Never waits.
/// On an executor of the user's own it is the time of that executor's carrier(), which by default begins bide's background
/// loop.
[[nodiscard]] std::chrono::steady_clock::time_point now() noexcept;

/// Waits for the duration.
template <class Rep, class Period>
[[nodiscard]] auto sleep_for(const std::chrono::duration<Rep, Period>& d) noexcept {
    return detail::sleep_op<std::chrono::steady_clock::duration>(detail::clamp_duration(d));
}

/// Waits until now() is `t`, which may be of any unit; finer than the clock's it is rounded up.
template <class Duration>
[[nodiscard]] auto sleep_until(const std::chrono::time_point<std::chrono::steady_clock, Duration>& t) noexcept {
    return detail::sleep_op<std::chrono::steady_clock::time_point>(detail::clamp_time_point(t));
}

/// Awaits op. Asks op to stop when the duration is over, and throws timed_out when op has ended.
template <class Rep, class Period, awaitable A>
[[nodiscard]] auto with_timeout(const std::chrono::duration<Rep, Period>& d, A&& op) {
    using result = detail::guarded<detail::task_result_t<A>, detail::deadline_guard>;
    return result(detail::to_task(std::forward<A>(op)), detail::clamp_duration(d));
}

/// The same until now() is `t`.
template <class Duration, awaitable A>
[[nodiscard]] auto with_deadline(const std::chrono::time_point<std::chrono::steady_clock, Duration>& t, A&& op) {
    using result = detail::guarded<detail::task_result_t<A>, detail::deadline_guard>;
    return result(detail::to_task(std::forward<A>(op)), detail::clamp_time_point(t));
}

/// Returns the time until the deadline of the code that calls it: zero if it has passed, empty if there is none.
[[nodiscard]] std::optional<std::chrono::steady_clock::duration> time_left() noexcept;

/// Lets every other ready task of the executor run first.
[[nodiscard]] inline detail::yield_op yield_now() noexcept { return detail::yield_op(); }

}  // namespace v0
}  // namespace bide
