// SPDX-License-Identifier: BSL-1.0
//
// Stopped at every point: tasks, scopes, guards and combinations on one loop.
#include "swept.hpp"

#include "support/lives.hpp"

#include <bide/bide.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace swept {
namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::task;
using bide::testing::sweep_run;
using support::counted;

struct lives {
    support::life_count count;
};
const auto all_died = [](const lives& s, const sweep_run& run) {
    EXPECT_EQ(s.count.alive, 0) << "point " << run.point;
};

task<int> level(lives& s, int depth, counted c) {
    const counted local(c);
    if (depth == 0) {
        co_await bide::sleep_for(1s);
        co_await bide::yield_now();
        co_return 1;
    }
    int sum = co_await level(s, depth - 1, local);
    sum += co_await level(s, depth - 1, counted(s.count));
    co_return sum;
}

void awaits(tally& t) {
    sweep<lives>(
        t, kind::alone, 8, [](lives& s) -> task<int> { co_return co_await level(s, 3, counted(s.count)); }, all_died);
}

void exceptions(tally& t) {
    sweep<lives>(
        t, kind::alone, 2,
        [](lives& s) -> task<int> {
            int caught = 0;
            for (int i = 0; i < 2; ++i) {
                try {
                    const counted c(s.count);
                    auto failing = [](counted) -> task<> {
                        co_await bide::sleep_for(1s);
                        throw std::runtime_error("as planned");
                    };
                    auto work = failing(c);
                    co_await std::move(work);
                } catch (const std::runtime_error&) {
                    ++caught;
                }
                co_await bide::yield_now();
            }
            co_return caught;
        },
        all_died);
}

task<int> leave_after(std::chrono::seconds d, counted c, int value) {
    co_await bide::sleep_for(d);
    const counted kept(c);
    co_await bide::yield_now();
    co_return value;
}

void scope_tasks(tally& t) {
    sweep<lives>(
        t, kind::alone, 6,
        [](lives& s) -> task<int> {
            int sum = 0;
            co_await bide::with_scope([&](bide::scope& in) -> task<> {
                auto a = in.start(leave_after, 1s, counted(s.count), 1);
                auto b = in.start(leave_after, 2s, counted(s.count), 2);
                const counted body(s.count);
                co_await in.join();
                auto c = in.start(leave_after, 1s, counted(s.count), 3);
                sum = a.value() + b.value() + co_await c;
            });
            co_return sum;
        },
        all_died);
}

void nested_scopes(tally& t) {
    sweep<lives>(
        t, kind::alone, 3,
        [](lives& s) -> task<int> {
            int ended = 0;
            co_await bide::with_scope([&](bide::scope& outer) -> task<> {
                outer.start(leave_after, 3s, counted(s.count), 0);
                co_await bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& inner) -> task<> {
                    inner.start(leave_after, 1h, counted(s.count), 0);  // cancelled by the inner scope's end
                    inner.start(leave_after, 1s, counted(s.count), 0);
                    co_await bide::sleep_for(2s);
                    ++ended;
                });
                ++ended;
                auto from_outside = outer.ref();
                outer.start(
                    [&ended](bide::scope_ref r, counted c) -> task<> {
                        co_await bide::sleep_for(5s);  // the body has ended: the scope drains
                        r.start(leave_after, 1s, c, 0);
                        ++ended;
                    },
                    from_outside, counted(s.count));
            });
            co_return ended;
        },
        all_died);
}

void failing_scope(tally& t) {
    sweep<lives>(
        t, kind::alone, 12,
        [](lives& s) -> task<int> {
            int caught = 0;
            for (const bide::error_mode mode : {bide::error_mode::cancel, bide::error_mode::keep_going}) {
                bide::scope_options options;
                options.error = mode;
                try {
                    co_await bide::with_scope(options, [&](bide::scope& in) -> task<> {
                        for (int i = 1; i <= 2; ++i)
                            in.start(
                                [](int n, counted c) -> task<> {
                                    const counted local(c);
                                    co_await bide::sleep_for(std::chrono::seconds(n));
                                    throw std::runtime_error("task");
                                },
                                i, counted(s.count));
                        in.start(leave_after, 3s, counted(s.count), 0);
                        co_return;
                    });
                } catch (const bide::exception_group&) {  // is a runtime_error too
                    caught += 10;
                } catch (const std::runtime_error&) {
                    caught += 2;
                }
            }
            co_return caught;
        },
        all_died);
}

void timeouts(tally& t) {
    sweep<lives>(
        t, kind::alone, 21,
        [](lives& s) -> task<int> {
            int sum = co_await bide::with_timeout(5s, leave_after(1s, counted(s.count), 1));
            try {
                auto slow = leave_after(1h, counted(s.count), 100);
                sum += co_await bide::with_timeout(1s, bide::with_timeout(10s, std::move(slow)));
            } catch (const bide::timed_out&) {
                sum += 20;
            }
            co_return sum;
        },
        all_died);
}

void shields(tally& t) {
    struct state : lives {
        bool begun = false;
        bool committed = false;
    };
    sweep<state>(
        t, kind::alone, 7,
        [](state& s) -> task<int> {
            co_await bide::sleep_for(1s);
            auto commit = [](state& at, counted) -> task<int> {
                at.begun = true;
                co_await bide::sleep_for(1s);
                co_await bide::yield_now();
                at.committed = true;
                co_return 7;
            };
            auto work = commit(s, counted(s.count));
            const int n = co_await bide::shield(std::move(work));
            co_await bide::sleep_for(1s);
            co_return n;
        },
        [](const state& s, const sweep_run& run) {
            EXPECT_EQ(s.committed, s.begun) << "point " << run.point;
            EXPECT_EQ(s.count.alive, 0);
        });
}

void cleanups(tally& t) {
    struct state : lives {
        int opened = 0;
        int closed = 0;
    };
    sweep<state>(
        t, kind::alone, 5,
        [](state& s) -> task<int> {
            auto use = [](state& at, counted) -> task<int> {
                ++at.opened;
                co_await bide::sleep_for(2s);
                co_return 5;
            };
            auto close = [](state& at, counted) -> task<> {
                co_await bide::sleep_for(1s);
                ++at.closed;
            };
            auto inner_body = use(s, counted(s.count));
            auto inner_close = close(s, counted(s.count));
            auto inner = bide::finally(std::move(inner_body), std::move(inner_close), 1min);
            auto outer = [](state& at, decltype(inner) in) -> task<int> {
                ++at.opened;
                co_return co_await std::move(in);
            };
            auto outer_body = outer(s, std::move(inner));
            auto outer_close = close(s, counted(s.count));
            co_return co_await bide::finally(std::move(outer_body), std::move(outer_close), 1min);
        },
        [](const state& s, const sweep_run& run) {
            EXPECT_EQ(s.closed, s.opened) << "point " << run.point;
            EXPECT_EQ(s.count.alive, 0);
        });
}

void stops_of_ones_own(tally& t) {
    sweep<lives>(
        t, kind::alone, 11,
        [](lives& s) -> task<int> {
            bide::stop_source quit;
            int sum = 0;
            co_await bide::with_scope([&](bide::scope& in) -> task<> {
                in.start(
                    [](bide::stop_source q) -> task<> {
                        co_await bide::sleep_for(2s);
                        q.request_stop();
                    },
                    quit);
                auto hour = leave_after(1h, counted(s.count), 1);
                auto guarded = bide::with_stop(quit.token(), std::move(hour));
                const auto nothing = co_await bide::stopped_as_optional(std::move(guarded));
                if (!nothing) sum += 1;
                auto second = leave_after(1s, counted(s.count), 10);
                const auto ten = co_await bide::stopped_as_optional(std::move(second));
                if (ten) sum += *ten;  // empty: we were asked meanwhile, and end at the next wait
                co_await bide::yield_now();
            });
            co_return sum;
        },
        all_died);
}

void when_alls(tally& t) {
    sweep<lives>(
        t, kind::alone, 17,
        [](lives& s) -> task<int> {
            int sum = 0;
            co_await bide::with_scope([&](bide::scope& in) -> task<> {
                auto hot = in.start(leave_after, 2s, counted(s.count), 10);
                auto a = leave_after(1s, counted(s.count), 1);
                auto b = leave_after(3s, counted(s.count), 2);
                auto [x, y, z] = co_await bide::when_all(std::move(a), hot, std::move(b));
                sum = x + y + z;
                std::vector<task<int>> many;
                for (int i = 0; i < 2; ++i) many.push_back(leave_after(1s, counted(s.count), 2));
                auto all = co_await bide::when_all_settled(std::move(many));
                for (auto& one : all) sum += one.value();
            });
            co_return sum;
        },
        all_died);
}

void first_ones(tally& t) {
    sweep<lives>(
        t, kind::alone, 3,
        [](lives& s) -> task<int> {
            auto failing = [](counted) -> task<int> {
                co_await bide::yield_now();
                throw std::runtime_error("skipped");
            };
            auto f = failing(counted(s.count));
            auto a = leave_after(2s, counted(s.count), 1);
            auto b = leave_after(9s, counted(s.count), 100);
            int sum = co_await bide::first_success(std::move(f), std::move(a), std::move(b));
            auto c = leave_after(2s, counted(s.count), 100);
            auto d = leave_after(1s, counted(s.count), 2);
            sum += co_await bide::race(std::move(c), std::move(d));
            co_return sum;
        },
        all_died, "skipped");
}

void futures_and_promises(tally& t) {
    struct state : lives {
        bide::promise<int> given;
        bide::future<int> seen = given.get_future();
        bool was_given = false;
    };
    sweep<state>(
        t, kind::alone, 9,
        [](state& s) -> task<int> {
            int sum = 0;
            co_await bide::with_scope([&](bide::scope& in) -> task<> {
                in.start(
                    [](state& at, counted) -> task<> {
                        co_await bide::sleep_for(1s);
                        at.given.set_value(3);
                        at.was_given = true;
                    },
                    std::ref(s), counted(s.count));
                auto first = in.start([](bide::future<int> f, counted) -> task<int> { co_return co_await f; }, s.seen,
                                      counted(s.count));
                auto second = in.start([](bide::future<int> f, counted) -> task<int> { co_return co_await f; }, first,
                                       counted(s.count));
                sum = co_await first + co_await second + co_await s.seen;
            });
            co_return sum;
        },
        [](const state& s, const sweep_run& run) {
            EXPECT_EQ(s.count.alive, 0) << "point " << run.point;
            EXPECT_EQ(s.seen.status() == future_status::pending, run.how == future_status::cancelled && !s.was_given);
        },
        "the promise was destroyed without a result");
}

void waits_below_a_loop(tally& t) {
    sweep<lives>(
        t, kind::alone, 4,
        [](lives& s) -> task<int> {
            auto plain = [](lives& at) {  // plain code in a task: blocks its loop
                int sum = leave_after(1s, counted(at.count), 1).wait();
                bide::with_scope([&](bide::scope& in) {
                    auto f = in.start(leave_after, 1s, counted(at.count), 3);
                    sum += f.wait();
                });
                return sum;
            };
            co_await bide::yield_now();
            int sum = plain(s);
            co_await bide::yield_now();
            co_return sum;
        },
        all_died);
}

inline constinit bide::task_local<int> number;

void task_locals(tally& t) {
    sweep<lives>(
        t, kind::alone, 42,
        [](lives& s) -> task<int> {
            auto reads = [](counted) -> task<int> {
                co_await bide::sleep_for(1s);
                co_return number.get() != nullptr ? *number.get() : 0;
            };
            auto inner = reads(counted(s.count));
            int sum = co_await number.with_value(40, bide::with_value(number, 2, std::move(inner)));
            auto outer = reads(counted(s.count));
            sum += co_await number.with_value(40, std::move(outer));
            co_return sum;
        },
        all_died);
}

}  // namespace

std::vector<scenario> of_tasks() {
    return {{"awaits", &awaits},
            {"exceptions", &exceptions},
            {"scope_tasks", &scope_tasks},
            {"nested_scopes", &nested_scopes},
            {"failing_scope", &failing_scope},
            {"timeouts", &timeouts},
            {"shields", &shields},
            {"cleanups", &cleanups},
            {"stops_of_ones_own", &stops_of_ones_own},
            {"when_alls", &when_alls},
            {"first_ones", &first_ones},
            {"futures_and_promises", &futures_and_promises},
            {"waits_below_a_loop", &waits_below_a_loop},
            {"task_locals", &task_locals}};
}

namespace {
class tasks_stopped : public testing::TestWithParam<scenario> {};
TEST_P(tasks_stopped, C6_5_at_every_point) {
    tally sum;
    GetParam().run(sum);
    EXPECT_EQ(sum.leaked, 0u);
}
INSTANTIATE_TEST_SUITE_P(sweep, tasks_stopped, testing::ValuesIn(of_tasks()), name_of);
}  // namespace

}  // namespace swept
