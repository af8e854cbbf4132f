// SPDX-License-Identifier: BSL-1.0
#include <bide/combine.hpp>

#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "support/steps.hpp"
#include "support/unhandled.hpp"

namespace {

using namespace std::chrono_literals;
using duration = std::chrono::steady_clock::duration;
using log_t = support::log_of;
using support::traced;

bide::task<int> number_after(duration d, int n) {
    if (d > 0s) co_await bide::sleep_for(d);
    co_return n;
}
bide::task<std::string> text_after(duration d, std::string t) {
    if (d > 0s) co_await bide::sleep_for(d);
    co_return t;
}
bide::task<> nothing_after(duration d) {
    if (d > 0s) co_await bide::sleep_for(d);
}
bide::task<int> fails_after(duration d, std::string why) {
    if (d > 0s) co_await bide::sleep_for(d);
    throw std::runtime_error(why);
}
bide::task<int> logged_after(log_t& log, duration d, int n) {
    const traced t(log, std::to_string(n));
    co_await bide::sleep_for(d);
    log.push_back(std::to_string(n));
    co_return n;
}
/// Cannot be stopped, fails in its end.
bide::task<int> fails_late(duration d, std::string why) {
    co_await bide::shield(bide::sleep_for(d));
    throw std::runtime_error(why);
}

template <class F>
std::string thrown_by(F f) {
    try {
        f();
    } catch (const bide::cancelled&) {
        return "cancelled";
    } catch (const std::exception& e) {
        return e.what();
    }
    return "nothing";
}

// ---- when_all -------------------------------------------------------------------------------------------------------

TEST(when_all, C5_1_gives_a_tuple_in_the_order_of_the_arguments) {
    const bide::testing::virtual_time time;
    auto [a, b, c, d] =
        bide::when_all(number_after(3s, 1), text_after(1s, "two"), nothing_after(2s), bide::sleep_for(4s)).wait();
    static_assert(std::is_same_v<decltype(a), int> && std::is_same_v<decltype(b), std::string>);
    static_assert(std::is_same_v<decltype(c), std::monostate> && std::is_same_v<decltype(d), std::monostate>);
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, "two");
    EXPECT_EQ(time.elapsed(), 4s);  // the longest, not the sum
}

bide::task<> awaits_many(int& sum) {
    auto [a, b] = co_await bide::when_all(number_after(1s, 1), text_after(0s, std::string(100, 'x')));
    EXPECT_EQ(b.size(), 100U);
    std::vector<bide::task<int>> tasks;
    for (int i = 0; i < 10; ++i) tasks.push_back(number_after(i * 1s, i));
    const std::vector<int> all = co_await bide::when_all(std::move(tasks));
    for (const int n : all) sum += n;
    sum += a;
    int target = 0;
    const auto reference = [&]() -> bide::task<int&> { co_return target; };
    const auto move_only = []() -> bide::task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto results = co_await bide::when_all(reference(), move_only());
    EXPECT_EQ(&std::get<0>(results), &target);
    EXPECT_EQ(*std::get<1>(results), 3);
}

TEST(when_all, C5_1_in_a_coroutine_with_any_result) {
    const bide::testing::virtual_time time;
    int sum = 0;
    awaits_many(sum).wait();
    EXPECT_EQ(sum, 46);
    EXPECT_EQ(time.elapsed(), 10s);
}

TEST(when_all, C5_1_of_nothing_is_there_at_once) {
    EXPECT_EQ(bide::when_all().wait(), std::tuple<>());
    EXPECT_TRUE(bide::when_all(std::vector<bide::task<int>>()).wait().empty());
    EXPECT_TRUE(bide::when_all_settled(std::vector<bide::task<int>>()).wait().empty());
}

TEST(when_all, C5_1_throws_the_first_failure_in_time_after_the_others_have_ended) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    log_t log;
    EXPECT_EQ(thrown_by([&] {
                  bide::when_all(logged_after(log, 1h, 1), fails_after(2s, "second"), fails_after(1s, "first"),
                                 logged_after(log, 500ms, 4))
                      .wait();
              }),
              "first");
    EXPECT_EQ(log, (log_t{"4", "~4", "~1"}));
    EXPECT_EQ(time.elapsed(), 1s);
    EXPECT_TRUE(seen.errors().empty());  // the second never failed
}

TEST(when_all, C5_1_tasks_that_did_not_begin_when_one_failed_never_run) {
    log_t log;
    const auto ready = [&](int n) -> bide::task<int> {
        log.push_back(std::to_string(n));
        co_return n;
    };
    EXPECT_EQ(thrown_by([&] { bide::when_all(ready(1), fails_after(0s, "at once"), ready(3)).wait(); }), "at once");
    EXPECT_EQ(log, log_t{"1"});
}

TEST(when_all, C2_7_later_failures_go_to_the_hook) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    EXPECT_EQ(thrown_by([] { bide::when_all(fails_late(2s, "late"), fails_after(1s, "first")).wait(); }), "first");
    EXPECT_EQ(seen.errors(), (std::vector<std::string>{"late"}));
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(when_all, C5_1_futures_are_only_observed) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        auto slow = s.start(number_after, 10s, 7);
        EXPECT_EQ(thrown_by([&] { bide::when_all(slow, fails_after(1s, "x")).wait(); }), "x");
        EXPECT_EQ(slow.status(), bide::future_status::pending);
        EXPECT_EQ(time.elapsed(), 1s);
        EXPECT_EQ(bide::when_all(slow, number_after(1s, 2)).wait(), std::tuple(7, 2));
        EXPECT_EQ(slow.value(), 7);
        std::vector<bide::future<int>> both{slow, s.start(number_after, 1s, 8)};
        EXPECT_EQ(bide::when_all(both).wait(), (std::vector<int>{7, 8}));
        EXPECT_EQ(bide::when_all(std::move(both)).wait(), (std::vector<int>{7, 8}));
    });
}

TEST(when_all, C2_4_an_observed_future_that_was_cancelled_is_a_failure) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        auto f = s.start(number_after, 1h, 7);
        s.start([f]() -> bide::task<> {
            co_await bide::sleep_for(1s);
            f.stop();
        });
        EXPECT_EQ(thrown_by([&] { bide::when_all(f, number_after(1h, 1)).wait(); }), "cancelled");
    });
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(when_all, C5_1_ranges_of_every_kind) {
    const bide::testing::virtual_time time;
    auto made = std::views::iota(1, 4) | std::views::transform([](int i) { return number_after(i * 1s, i); });
    EXPECT_EQ(bide::when_all(made).wait(), (std::vector<int>{1, 2, 3}));
    std::vector<bide::task<>> voids;
    voids.push_back(nothing_after(1s));
    voids.push_back(nothing_after(2s));
    EXPECT_EQ(bide::when_all(std::move(voids)).wait().size(), 2U);
    EXPECT_EQ(time.elapsed(), 5s);
}

TEST(when_all, C1_2_never_awaited_never_runs_and_an_empty_task_is_refused) {
    auto counted = std::make_shared<int>(1);
    const auto holds = [](std::shared_ptr<int> p) -> bide::task<int> { co_return *p; };
    { auto dropped = bide::when_all(holds(counted), holds(counted)); }
    EXPECT_EQ(counted.use_count(), 1);
    auto empty = holds(counted);
    { const auto gone = std::move(empty); }
    // NOLINTNEXTLINE(bugprone-use-after-move): that is what is tested
    EXPECT_THROW(bide::when_all(holds(counted), std::move(empty), holds(counted)).wait(), bide::usage_error);
    EXPECT_EQ(counted.use_count(), 1);
}

TEST(when_all, C6_4_deadlines_are_inherited) {
    const bide::testing::virtual_time time;
    std::vector<std::optional<duration>> left;
    const auto note = [&]() -> bide::task<> {
        left.push_back(bide::time_left());
        co_await bide::sleep_for(1h);
    };
    EXPECT_THROW(bide::with_timeout(3s, bide::when_all(note(), note())).wait(), bide::timed_out);
    EXPECT_EQ(left, (std::vector<std::optional<duration>>{3s, 3s}));
    EXPECT_EQ(time.elapsed(), 3s);
}

// ---- stopped from outside -------------------------------------------------------------------------------------------

enum class form { all, settled, first_success, race };

bide::task<> awaits_in_form(form how, log_t& log) {
    const traced outer(log, "outer");
    switch (how) {
        case form::all:
            co_await bide::when_all(logged_after(log, 2s, 1), logged_after(log, 3s, 2));
            break;
        case form::settled:
            co_await bide::when_all_settled(logged_after(log, 2s, 1), logged_after(log, 3s, 2));
            break;
        case form::first_success:
            co_await bide::first_success(logged_after(log, 2s, 1), logged_after(log, 3s, 2));
            break;
        case form::race:
            co_await bide::race(logged_after(log, 2s, 1), logged_after(log, 3s, 2));
            break;
    }
    log.emplace_back("done");
    co_await bide::sleep_for(1s);
    log.emplace_back("end");
}

TEST(combine, C6_5_a_stop_from_outside_at_every_stage) {
    for (const form how : {form::all, form::settled, form::first_success, form::race}) {
        for (int stage = 0; stage <= 9; ++stage) {
            const bide::testing::virtual_time time;
            log_t log;
            bide::with_scope([&](bide::scope& s) {
                auto f = s.start(awaits_in_form, how, std::ref(log));
                bide::sleep_for(stage * 500ms).wait();
                f.stop();
            });
            const bool all = how == form::all || how == form::settled;
            log_t expected;
            if (stage > 0) {
                const int joined = all ? 6 : 4;
                if (stage >= 4) expected.insert(expected.end(), {"1", "~1"});
                if (stage < 4)
                    expected.insert(expected.end(), {"~1", "~2"});
                else if (all && stage >= 6)
                    expected.insert(expected.end(), {"2", "~2"});
                else
                    expected.insert(expected.end(), {"~2"});
                if (stage >= joined) expected.emplace_back("done");
                if (stage >= joined + 2) expected.emplace_back("end");
                expected.emplace_back("~outer");
            }
            EXPECT_EQ(log, expected) << static_cast<int>(how) << " at " << stage;
        }
    }
}

TEST(combine, C2_7_failures_before_a_stop_from_outside_are_not_lost) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    EXPECT_THROW(bide::with_timeout(2s, bide::first_success(fails_after(1s, "skipped"), number_after(1h, 1))).wait(),
                 bide::timed_out);
    EXPECT_EQ(seen.errors(), (std::vector<std::string>{"skipped"}));
}

TEST(when_all, C3_8_values_in_spite_of_a_stop_are_given) {
    const bide::testing::virtual_time time;
    const auto shielded = [](int n) -> bide::task<int> { co_return co_await bide::shield(number_after(5s, n)); };
    EXPECT_EQ(bide::with_timeout(1s, bide::when_all(shielded(1), shielded(2))).wait(), std::tuple(1, 2));
}

// ---- first_success --------------------------------------------------------------------------------------------------

TEST(first_success, C5_3_skips_failures_and_stops_the_rest) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    log_t log;
    EXPECT_EQ(
        bide::first_success(logged_after(log, 1h, 1), fails_after(1s, "skipped"), logged_after(log, 2s, 3)).wait(), 3);
    EXPECT_EQ(log, (log_t{"3", "~3", "~1"}));
    EXPECT_EQ(time.elapsed(), 2s);
    EXPECT_TRUE(seen.errors().empty());
}

TEST(first_success, C5_3_if_all_fail_the_first_failure_in_time) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    EXPECT_EQ(
        thrown_by([] { bide::first_success(fails_after(3s, "a"), fails_after(1s, "b"), fails_after(2s, "c")).wait(); }),
        "b");
    EXPECT_EQ(seen.errors(), (std::vector<std::string>{"a", "c"}));
    EXPECT_EQ(time.elapsed(), 3s);
}

TEST(first_success, C5_3_later_failures_of_joined_tasks_go_to_the_hook) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    EXPECT_EQ(bide::first_success(fails_late(3s, "late"), number_after(1s, 1)).wait(), 1);
    EXPECT_EQ(seen.errors(), (std::vector<std::string>{"late"}));
    EXPECT_EQ(time.elapsed(), 3s);  // joined
}

TEST(first_success, C5_3_leaves_futures_alone) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        auto slow = s.start(number_after, 10s, 7);
        EXPECT_EQ(bide::first_success(slow, number_after(1s, 1)).wait(), 1);
        EXPECT_EQ(slow.status(), bide::future_status::pending);
        EXPECT_EQ(slow.wait(), 7);
    });
    EXPECT_EQ(time.elapsed(), 10s);
}

// ---- race -----------------------------------------------------------------------------------------------------------

TEST(race, C5_3_the_first_to_end_success_or_failure) {
    const bide::testing::virtual_time time;
    log_t log;
    EXPECT_EQ(bide::race(logged_after(log, 2s, 1), logged_after(log, 1s, 2)).wait(), 2);
    EXPECT_EQ(log, (log_t{"2", "~2", "~1"}));
    EXPECT_EQ(thrown_by([] { bide::race(number_after(2s, 1), fails_after(1s, "first")).wait(); }), "first");
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(race, C5_3_ties_go_to_the_lowest_index) {
    const bide::testing::virtual_time time;
    EXPECT_EQ(bide::race(number_after(0s, 1), number_after(0s, 2)).wait(), 1);
    EXPECT_EQ(bide::race(number_after(1s, 1), number_after(1s, 2), number_after(1s, 3)).wait(), 1);
    bide::with_scope([&](bide::scope& s) {
        auto a = s.start(number_after, 0s, 1);
        auto b = s.start(number_after, 0s, 2);
        s.join().wait();
        EXPECT_EQ(bide::race(b, a).wait(), 2);
    });
}

TEST(race, C5_3_different_types_give_a_variant_whose_index_says_who) {
    const bide::testing::virtual_time time;
    auto a = bide::race(number_after(2s, 1), text_after(1s, "x"), nothing_after(3s)).wait();
    static_assert(std::is_same_v<decltype(a), std::variant<int, std::string, std::monostate>>);
    EXPECT_EQ(a.index(), 1U);
    EXPECT_EQ(std::get<1>(a), "x");
    EXPECT_EQ(bide::race(number_after(2s, 1), nothing_after(1s)).wait().index(), 1U);
    bide::race(nothing_after(1s), bide::sleep_for(2s)).wait();  // void stays void
    EXPECT_EQ(bide::race(number_after(1s, 5)).wait(), 5);
}

TEST(race, C5_3_of_ranges) {
    const bide::testing::virtual_time time;
    std::vector<bide::task<int>> tasks;
    for (int i = 5; i > 0; --i) tasks.push_back(number_after(i * 1s, i));
    EXPECT_EQ(bide::race(std::move(tasks)).wait(), 1);
    std::vector<bide::task<int>> more;
    more.push_back(fails_after(1s, "x"));
    more.push_back(number_after(2s, 2));
    EXPECT_EQ(bide::first_success(std::move(more)).wait(), 2);
}

TEST(combine, C5_3_nothing_to_race_is_refused) {
    EXPECT_THROW(bide::race().wait(), std::invalid_argument);
    EXPECT_THROW(bide::first_success().wait(), std::invalid_argument);
    EXPECT_THROW(bide::race(std::vector<bide::task<int>>()).wait(), std::invalid_argument);
    EXPECT_THROW(bide::first_success(std::vector<bide::task<>>()).wait(), std::invalid_argument);
}

// ---- waits without an end -------------------------------------------------------------------------------------------

TEST(combine, C1_6_a_task_that_awaits_itself_among_others) {
    const bide::testing::virtual_time time;
    bide::future<int> own;
    bool refused = false;
    const auto awaits_all = [&]() -> bide::task<int> {
        try {
            co_await bide::when_all(own, number_after(1s, 1));
        } catch (const bide::would_deadlock&) {
            refused = true;
        }
        co_return 0;
    };
    bide::with_scope([&](bide::scope& s) { own = s.start(awaits_all); });
    EXPECT_TRUE(refused);
    // In a race the other one ends it: no deadlock.
    const auto races = [&]() -> bide::task<int> { co_return co_await bide::race(own, number_after(1s, 1)); };
    own = {};
    bide::with_scope([&](bide::scope& s) { own = s.start(races); });
    EXPECT_EQ(own.value(), 1);
}

// ---- depth and nesting ----------------------------------------------------------------------------------------------

bide::task<int> deep(int n, bool sleeps) {
    if (n == 0) {
        if (sleeps) co_await bide::sleep_for(1h);
        co_return 0;
    }
    auto [below] = co_await bide::when_all(deep(n - 1, sleeps));
    co_return below + 1;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int depth = 50'000;
#elif defined(__has_feature)
constexpr int depth = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 50'000 : 1'000'000;
#else
constexpr int depth = 1'000'000;
#endif

TEST(when_all, C5_1_a_chain_a_million_deep) {
    const bide::testing::virtual_time time;
    EXPECT_EQ(deep(depth, false).wait(), depth);
    EXPECT_THROW(bide::with_timeout(1s, deep(depth, true)).wait(), bide::timed_out);
}

TEST(combine, C5_3_forms_nest) {
    const bide::testing::virtual_time time;
    auto both = bide::when_all(bide::race(number_after(3s, 1), number_after(1s, 2)),
                               bide::first_success(fails_after(1s, "x"), number_after(2s, 3)));
    EXPECT_EQ(both.wait(), std::tuple(2, 3));
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(when_all, C5_1_ten_thousand_at_once) {
    const bide::testing::virtual_time time;
    std::vector<bide::task<int>> tasks;
    for (int i = 0; i < 10'000; ++i) tasks.push_back(number_after((i % 7) * 1s, i));
    const auto all = bide::when_all(std::move(tasks)).wait();
    for (int i = 0; i < 10'000; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(time.elapsed(), 6s);
}

}  // namespace
