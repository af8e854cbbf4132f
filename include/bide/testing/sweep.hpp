// SPDX-License-Identifier: BSL-1.0
//
// sweep_cancellation: runs a piece of work again and again, and stops it at every point at which it can be stopped.
//
// Most faults of cancelled programs depend on *where* the program was stopped. The sweep runs the scenario, a function
// that returns a task, to its end once and counts its points. Then it runs the scenario once for each point, and
// requests a stop exactly there.
//
//     auto swept = bide::testing::sweep_cancellation(
//         [&]() -> bide::task<> { co_await transfer(from, to, 10); },
//         [&](const bide::testing::sweep_run&) {                  // after each run
//             EXPECT_EQ(from.balance() + to.balance(), 100);
//             EXPECT_FALSE(books.locked());
//         });
//     EXPECT_GT(swept.points, 10);
//
// The points: each time that a task of the scenario, or one that it started, is queued to begin or to resume gives two.
// One is just before its turn, when what it waited for has happened and the task has not seen it yet. The other is just
// after its turn, when it waits again or has ended. What a task does between two waits is one step. A task on another
// executor (resume_on, a loop_thread) gives no points; a stop of the scenario reaches it.
//
// A run may end with a value or cancelled, whatever its point is. Each run calls the scenario anew, so the scenario
// makes what it needs, or the check restores what it has changed.
//
// Thread rule: the sweep blocks the calling thread and runs the scenario there; the scenario may use other threads.
//   Under a virtual_time guard the sweep is exact and quick. With other threads the number of queued steps may differ
//   between runs; a run that ends before its point counts as missed.
// Lifetime rule: the sweep refers to scenario and check until it returns.
// Cancellation: a sweep that is called in a task blocks it; a stop of that task stops the current run, and the sweep
//   ends with `cancelled`.
// Errors: if a run fails, or the run without a stop does not end with a value, the sweep throws a std::runtime_error
//   that names the point; the failure is nested in it (std::rethrow_if_nested). An exception of the check leaves the
//   sweep unchanged.
#pragma once

#include <bide/detail/testing/stepping.hpp>
#include <bide/scope.hpp>
#include <bide/wait.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace testing {

/// One run, as the check gets it.
struct sweep_run {
    std::size_t point;  ///< where the run was to be stopped, from 1; 0: nowhere
    bool reached;       ///< the stop was requested; false if the run ended before its point
    future_status how;  ///< succeeded or cancelled
    sweep_run(std::size_t p, bool r, future_status h) noexcept : point(p), reached(r), how(h) {}
};

/// The runs of a sweep, counted.
struct sweep_result {
    std::size_t points = 0;     ///< runs in which a stop was requested
    std::size_t succeeded = 0;  ///< those of them that ended with a value
    std::size_t cancelled = 0;  ///< those of them that ended cancelled
    std::size_t missed = 0;     ///< runs that ended before their point
    sweep_result() noexcept = default;
    // Internal.
    void count(bool was_reached, future_status how) noexcept;
};

/// Runs scenario() to its end, then once for each point; calls check(sweep_run) after each run.
template <std::invocable<> F, std::invocable<const sweep_run&> Check>
    requires awaitable<std::invoke_result_t<F&>>
sweep_result sweep_cancellation(F&& scenario, Check&& check,  // NOLINT(*-missing-std-forward): called again and again
                                std::source_location where = std::source_location::current()) {
    using R = await_result_t<std::invoke_result_t<F&>>;
    sweep_result swept;
    std::size_t points = 0;
    for (std::size_t point = 0; point <= points; ++point) {
        const idle_loop here;
        detail::stepping steps(here.get(), point);
        future<R> end;
        std::exception_ptr failed;
        try {
            with_scope(
                {.on = &steps},
                [&](scope& s) {
                    end = s.start(std::ref(scenario));
                    steps.stops(end.state());
                },
                where);
        } catch (...) {
            failed = std::current_exception();
        }
        steps.finish();
        if (point == 0) points = steps.points();
        if (failed || (point == 0 && end.status() != future_status::succeeded))
            detail::throw_sweep_failed(point, points, failed);
        if (point != 0) swept.count(steps.stopped(), end.status());
        std::invoke(check, sweep_run(point, steps.stopped(), end.status()));
    }
    return swept;
}

/// Sweeps without a check: only a run that fails ends the sweep with an error. (A sanitizer sees what a stopped run
/// leaks.)
template <std::invocable<> F>
    requires awaitable<std::invoke_result_t<F&>>
sweep_result sweep_cancellation(F&& scenario, std::source_location where = std::source_location::current()) {
    return sweep_cancellation(std::forward<F>(scenario), [](const sweep_run&) {}, where);
}

}  // namespace testing
}  // namespace v0
}  // namespace bide
