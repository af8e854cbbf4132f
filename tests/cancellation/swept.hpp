// SPDX-License-Identifier: BSL-1.0
//
// Scenarios that are stopped at every point, and what must hold after each run: it gave its full value or ended
// cancelled, the scenario's own invariants hold, and nothing is left: no frame, no task, no descriptor, no thread.
#pragma once

#include "support/census.hpp"
#include "support/unhandled.hpp"

#include <bide/testing/sweep.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/threads.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace swept {

struct tally {
    std::size_t scenarios = 0;
    std::size_t points = 0;
    std::size_t leaked = 0;
};

/// How much of a scenario's time and work lies outside of the one loop.
enum class kind {
    alone,    // one loop in virtual time: every run takes the same steps
    threads,  // with threads, in virtual time
    real,     // with sockets, in real time
};

struct scenario {
    const char* name;
    void (*run)(tally&);
};
std::vector<scenario> of_tasks();
std::vector<scenario> of_sync();
std::vector<scenario> of_the_outside();

/// State: default-constructed for each run. body(State&) gives a task<int> of `full`; check(State&, sweep_run) looks at
/// the state after the run, when all has ended. `unanswered`: how a failure may read for which a stop leaves nobody to
/// answer (it goes to the hook then, and is not lost); no other comes.
template <class State, class Check>
void sweep(tally& sum, kind how, int full, bide::task<int> (*body)(State&), Check check,
           const std::string& unanswered = "") {
    const support::unhandled lost;
    std::optional<bide::testing::virtual_time> time;
    if (how != kind::real) time.emplace();
    std::optional<State> state;
    int got = 0;
    const auto scenario = [&]() -> bide::task<> {
        state.emplace();
        got = full - 1;
        got = co_await body(*state);
    };
    std::optional<support::census> before;
    const auto after = [&](const bide::testing::sweep_run& run) {
        if (run.how == bide::future_status::succeeded) {
            EXPECT_EQ(got, full) << "point " << run.point;
        }
        if (state) check(*state, run);
        state.reset();
        if (how != kind::alone) bide::shutdown();  // threads that idle are none that leak
        if (!before) {
            before.emplace();  // what a thread keeps for its next wait is there now
            return;
        }
        support::census now;
        if (how != kind::alone && now.threads != before->threads && support::threads_become(before->threads))
            now.threads = before->threads;  // it had been joined, and stood in /proc yet
        if (!(now == *before)) ++sum.leaked;
        EXPECT_EQ(now, *before) << "point " << run.point << ": " << now.text() << "; before: " << before->text();
    };
    const auto swept = bide::testing::sweep_cancellation(scenario, after);
    for (const std::string& e : lost.errors()) EXPECT_TRUE(!unanswered.empty() && e.starts_with(unanswered)) << e;
    EXPECT_GT(swept.points, 0u);
    EXPECT_GT(swept.cancelled, 0u);
    if (how == kind::alone) {
        EXPECT_EQ(swept.missed, 0u);
    }
    ++sum.scenarios;
    sum.points += swept.points;
}

template <class State>
void sweep(tally& sum, kind how, int full, bide::task<int> (*body)(State&)) {
    sweep(sum, how, full, body, [](State&, const bide::testing::sweep_run&) {});
}

/// For INSTANTIATE_TEST_SUITE_P.
inline std::string name_of(const testing::TestParamInfo<scenario>& info) { return info.param.name; }

}  // namespace swept
