// SPDX-License-Identifier: BSL-1.0
//
// sweep_cancellation: stop a piece of work everywhere it can be stopped, once at each place.
//
// Most faults of a program that is stopped lie in *where* it was stopped. The scenario, a function that gives a task,
// is run to its end once, and its steps are counted. Then it is run again for each of these points, and asked to stop
// exactly there.
//
//     auto swept = bide::testing::sweep_cancellation(
//         [&]() -> bide::task<> { co_await transfer(from, to, 10); },
//         [&](const bide::testing::sweep_run&) {                  // after each run
//             EXPECT_EQ(from.balance() + to.balance(), 100);
//             EXPECT_FALSE(books.locked());
//         });
//     EXPECT_GT(swept.points, 10);
//
// The points: two for each time that a task of the scenario, or one that it started, is queued to begin or to go on.
// Just before its turn (what it waited for has happened, and nobody has seen that yet), and just after it (it waits
// again, or has ended). What a task does between two waits is one step. Tasks that moved to other executors (resume_on,
// a loop_thread) are stopped through the scenario, but do not count.
//
// The scenario may be stopped or not at a point, as it likes: each run ends with a value or cancelled. It is called
// anew for each run, so it makes what it needs itself, or the check puts back what it has changed.
//
// Thread rule: runs on the calling thread, which waits; the scenario may use other threads. Under a virtual_time guard
//   the sweep is exact and quick. With other threads the number of queued steps may differ between runs: a run that
//   ends before its point counts as missed.
// Lifetime rule: scenario and check are called while the sweep lasts, and not kept.
// Cancellation: in a task (which it blocks) a stop from outside ends the run, and the sweep by `cancelled`.
// Errors: a run that fails, or the first one when it does not end with a value, ends the sweep with a
//   std::runtime_error that names the point; the failure is nested in it (std::rethrow_if_nested). What the check
//   throws comes through unchanged.
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

/// One run, as the check sees it.
struct sweep_run {
    std::size_t point;  // at which it was asked to stop, from 1; 0: it was not
    bool reached;       // false: it had ended before
    future_status how;  // succeeded or cancelled
    sweep_run(std::size_t p, bool r, future_status h) noexcept : point(p), reached(r), how(h) {}
};

/// What was swept.
struct sweep_result {
    std::size_t points = 0;     // runs that were asked to stop
    std::size_t succeeded = 0;  // of these: ended with a value all the same
    std::size_t cancelled = 0;
    std::size_t missed = 0;  // runs that had ended before their point
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

/// The same without a check: no run fails, none hangs, and each frees what it has.
template <std::invocable<> F>
    requires awaitable<std::invoke_result_t<F&>>
sweep_result sweep_cancellation(F&& scenario, std::source_location where = std::source_location::current()) {
    return sweep_cancellation(std::forward<F>(scenario), [](const sweep_run&) {}, where);
}

}  // namespace testing
}  // namespace v0
}  // namespace bide
