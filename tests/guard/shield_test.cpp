// SPDX-License-Identifier: BSL-1.0
#include <bide/shield.hpp>

#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/steps.hpp"
#include "support/unhandled.hpp"

namespace {

using namespace std::chrono_literals;
using duration = std::chrono::steady_clock::duration;
using log_t = support::log_of;
using support::traced;

bide::task<> note_after(log_t& log, duration d, std::string what) {
    const traced t(log, "frame of " + what);
    co_await bide::sleep_for(d);
    log.push_back(what);
}
bide::task<int> number_after(duration d, int n) {
    co_await bide::sleep_for(d);
    co_return n;
}
bide::task<> fails_after(duration d, std::string why) {
    if (d > 0s) co_await bide::sleep_for(d);
    throw std::runtime_error(why);
}
bide::task<int> ready(int n) { co_return n; }

/// Starts it, stops it after a while, and says how it ended.
template <class Make>
std::string stopped_after(duration d, Make make) {
    std::string how;
    bide::with_scope({.error = bide::error_mode::keep_going}, [&](bide::scope& s) {
        auto f = s.start(make);
        bide::sleep_for(d).wait();
        f.stop();
        try {
            f.wait();
            how = "value";
        } catch (const bide::cancelled& c) {
            how = std::string("cancelled: ") + c.what();
        } catch (const std::exception& e) {
            how = e.what();
        }
    });
    return how;
}

// ---- with_stop ------------------------------------------------------------------------------------------------------

TEST(with_stop, C6_5_C18_4_the_token_stops_the_operation_and_cancelled_is_thrown) {
    const bide::testing::virtual_time time;
    const bide::stop_source quit;
    log_t log;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            try {
                co_await bide::with_stop(quit.token(), note_after(log, 1h, "never"));
            } catch (const bide::cancelled& c) {
                log.push_back(c.what());
            }
            EXPECT_FALSE(bide::stop_requested());
            co_await bide::sleep_for(1s);
            log.emplace_back("goes on");
        });
        bide::sleep_for(2s).wait();
        quit.request_stop(bide::stop_reason::shutdown);
    });
    EXPECT_EQ(log, (log_t{"~frame of never", bide::to_string(bide::stop_reason::shutdown), "goes on"}));
    EXPECT_EQ(time.elapsed(), 3s);
}

TEST(with_stop, C6_5_C18_4_gives_the_value_when_the_token_never_asks_or_too_late) {
    const bide::testing::virtual_time time;
    const bide::stop_source quit;
    EXPECT_EQ(bide::with_stop(quit.token(), number_after(1s, 4)).wait(), 4);
    EXPECT_EQ(bide::with_stop(bide::stop_token(), number_after(1s, 5)).wait(), 5);
    quit.request_stop();
    EXPECT_EQ(bide::with_stop(quit.token(), ready(6)).wait(), 6);
    EXPECT_THROW(bide::with_stop(quit.token(), number_after(1s, 7)).wait(), bide::cancelled);
    EXPECT_THROW(bide::with_stop(quit.token(), fails_after(0s, "x")).wait(), std::runtime_error);
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(with_stop, C6_5_C18_4_the_callers_stop_goes_through) {
    const bide::testing::virtual_time time;
    const bide::stop_source quit;
    log_t log;
    const auto how = stopped_after(1s, [&]() -> bide::task<> {
        const traced outer(log, "outer");
        try {
            co_await bide::with_stop(quit.token(), note_after(log, 1h, "never"));
        } catch (...) {
            log.emplace_back("caught");
        }
    });
    EXPECT_EQ(log, (log_t{"~frame of never", "~outer"}));
    EXPECT_EQ(how, "cancelled: " + std::string(bide::to_string(bide::stop_reason::user)));
}

TEST(with_stop, C6_5_a_failure_of_the_operation_comes_through_also_when_the_caller_was_asked_to_stop) {
    const bide::testing::virtual_time time;
    const auto fails_in_its_cleanup = []() -> bide::task<> {
        co_await bide::shield(bide::sleep_for(2s));
        throw std::runtime_error("its own");
    };
    bool went_on = false;
    const auto caller = [&]() -> bide::task<> {
        const bide::stop_source quit;
        try {
            co_await bide::with_stop(quit.token(), fails_in_its_cleanup());
        } catch (const std::runtime_error&) {
            went_on = true;
            throw;
        }
    };
    EXPECT_EQ(stopped_after(1s, caller), "its own");
    EXPECT_TRUE(went_on);
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(with_stop, C6_5_holds_its_token_and_one_token_serves_many) {
    const bide::testing::virtual_time time;
    int stopped = 0;
    bide::with_scope([&](bide::scope& s) {
        auto quit = std::make_unique<bide::stop_source>();
        for (int i = 0; i < 10; ++i)
            s.start([&, token = quit->token()]() -> bide::task<> {
                auto n = co_await bide::stopped_as_optional(bide::with_stop(token, number_after(1h, 1)));
                stopped += n.has_value() ? 0 : 1;
            });
        bide::sleep_for(1s).wait();
        quit->request_stop();
        quit.reset();
    });
    EXPECT_EQ(stopped, 10);
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(with_stop, C6_5_a_request_from_another_thread_races_with_the_end) {
    for (int round = 0; round < 300; ++round) {
        const bide::stop_source quit;
        std::thread other([&] { quit.request_stop(); });
        const auto work = []() -> bide::task<int> {
            int n = 0;
            for (int i = 0; i < 20; ++i) {
                co_await bide::yield_now();
                ++n;
            }
            co_return n;
        };
        const auto n = bide::stopped_as_optional(bide::with_stop(quit.token(), work())).wait();
        EXPECT_TRUE(!n || *n == 20);
        other.join();
    }
}

// ---- stopped_as_optional --------------------------------------------------------------------------------------------

bide::task<> optional_forms() {
    int target = 0;
    const auto reference = [&]() -> bide::task<int&> { co_return target; };
    const auto move_only = []() -> bide::task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    const auto nothing = []() -> bide::task<> { co_return; };
    const std::optional<int> n = co_await bide::stopped_as_optional(ready(4));
    EXPECT_EQ(n, 4);
    auto r = co_await bide::stopped_as_optional(reference());
    EXPECT_TRUE(r.has_value() && &r->get() == &target);
    auto m = co_await bide::stopped_as_optional(move_only());
    EXPECT_EQ(**m, 3);
    auto v = co_await bide::stopped_as_optional(nothing());
    EXPECT_TRUE(v.has_value());
}

TEST(stopped_as_optional, C6_5_holds_the_value_of_any_type) { optional_forms().wait(); }

TEST(stopped_as_optional, C6_5_is_empty_when_stopped_and_the_caller_goes_on_to_its_next_wait) {
    const bide::testing::virtual_time time;
    log_t log;
    const auto how = stopped_after(1s, [&]() -> bide::task<> {
        const traced outer(log, "outer");
        const auto n = co_await bide::stopped_as_optional(number_after(1h, 1));
        log.emplace_back(n ? "value" : "empty");
        log.emplace_back(bide::stop_requested() ? "still asked" : "not asked");
        co_await bide::sleep_for(0s);
        log.emplace_back("after the wait");
    });
    EXPECT_EQ(log, (log_t{"empty", "still asked", "~outer"}));
    EXPECT_EQ(how.substr(0, 9), "cancelled");
}

TEST(stopped_as_optional, C2_4_waiting_for_something_cancelled_is_empty_too) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        auto f = s.start(number_after, 1h, 1);
        bide::wait(bide::yield_now());
        f.stop();
        EXPECT_FALSE(bide::stopped_as_optional(f).wait().has_value());
    });
}

TEST(stopped_as_optional, C6_5_failures_come_through) {
    EXPECT_THROW(bide::stopped_as_optional(fails_after(0s, "x")).wait(), std::runtime_error);
}

// ---- shield ---------------------------------------------------------------------------------------------------------

TEST(shield, C6_5_holds_a_stop_off_until_the_operation_has_ended) {
    const bide::testing::virtual_time time;
    log_t log;
    stopped_after(1s, [&]() -> bide::task<> {
        const traced outer(log, "outer");
        const int n = co_await bide::shield(number_after(5s, 3));
        log.push_back(std::to_string(n));
        EXPECT_TRUE(bide::stop_requested());
        co_await bide::sleep_for(0s);
        log.emplace_back("after the wait");
    });
    EXPECT_EQ(log, (log_t{"3", "~outer"}));
    EXPECT_EQ(time.elapsed(), 5s);
}

TEST(shield, C6_4_no_deadline_applies_inside) {
    const bide::testing::virtual_time time;
    std::optional<duration> inside = 0s;
    const auto operation = [&]() -> bide::task<int> {
        inside = bide::time_left();
        co_await bide::sleep_for(5s);
        EXPECT_FALSE(bide::stop_requested());
        co_return 8;
    };
    const auto all = [&]() -> bide::task<int> { co_return co_await bide::shield(operation()); };
    EXPECT_EQ(bide::with_timeout(1s, all()).wait(), 8);  // a value in spite of the deadline
    EXPECT_EQ(inside, std::nullopt);
    EXPECT_EQ(time.elapsed(), 5s);
}

TEST(shield, C6_5_what_is_below_can_still_be_stopped_by_its_own_means) {
    const bide::testing::virtual_time time;
    const auto all = []() -> bide::task<> {
        EXPECT_THROW(co_await bide::shield(bide::with_timeout(1s, number_after(1h, 1))), bide::timed_out);
        EXPECT_THROW(co_await bide::shield(fails_after(1s, "x")), std::runtime_error);
    };
    all().wait();
    EXPECT_EQ(time.elapsed(), 2s);
}

// ---- finally --------------------------------------------------------------------------------------------------------

TEST(finally, C6_6_the_cleanup_runs_after_a_value) {
    const bide::testing::virtual_time time;
    log_t log;
    EXPECT_EQ(bide::finally(number_after(1s, 7), note_after(log, 1s, "cleanup"), 5s).wait(), 7);
    EXPECT_EQ(log, (log_t{"cleanup", "~frame of cleanup"}));
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(finally, C6_6_the_cleanup_runs_after_an_exception) {
    const bide::testing::virtual_time time;
    for (const auto d : {duration(0), duration(1s)}) {
        log_t log;
        EXPECT_THROW(bide::finally(fails_after(d, "body"), note_after(log, 1s, "cleanup"), 5s).wait(),
                     std::runtime_error);
        EXPECT_EQ(log, (log_t{"cleanup", "~frame of cleanup"}));
    }
}

TEST(finally, C6_6_the_cleanup_runs_shielded_after_a_stop_which_then_goes_on) {
    const bide::testing::virtual_time time;
    log_t log;
    const auto how = stopped_after(1s, [&]() -> bide::task<> {
        const traced outer(log, "outer");
        co_await bide::finally(note_after(log, 1h, "body"), note_after(log, 3s, "cleanup"), 5s);
        log.emplace_back("after");
    });
    EXPECT_EQ(log, (log_t{"~frame of body", "cleanup", "~frame of cleanup", "~outer"}));
    EXPECT_EQ(how.substr(0, 9), "cancelled");
    EXPECT_EQ(time.elapsed(), 4s);
}

TEST(finally, C6_6_nested_cleanups_run_last_in_first_out) {
    const bide::testing::virtual_time time;
    for (const bool stop : {false, true}) {
        log_t log;
        const auto all = [&]() -> bide::task<> {
            auto first =
                bide::finally(bide::sleep_for(stop ? duration(1h) : duration(1s)), note_after(log, 2s, "one"), 5s);
            auto second = bide::finally(std::move(first), note_after(log, 1s, "two"), 5s);
            co_await bide::finally(std::move(second), note_after(log, 3s, "three"), 5s);
        };
        if (stop)
            stopped_after(1s, all);
        else
            all().wait();
        EXPECT_EQ(log, (log_t{"one", "~frame of one", "two", "~frame of two", "three", "~frame of three"}));
    }
    EXPECT_EQ(time.elapsed(), 14s);
}

TEST(finally, C6_6_the_cleanup_may_be_a_function_that_sees_what_the_body_left) {
    const bide::testing::virtual_time time;
    int open = 0;
    const auto body = [&]() -> bide::task<> {
        open = 3;
        co_await bide::sleep_for(1h);
    };
    const auto close_all = [&]() -> bide::task<int> {  // its value is of no interest
        while (open > 0) {
            co_await bide::sleep_for(1s);
            --open;
        }
        co_return 1;
    };
    EXPECT_THROW(bide::with_timeout(1s, bide::finally(body(), close_all, 10s)).wait(), bide::timed_out);
    EXPECT_EQ(open, 0);
    EXPECT_EQ(time.elapsed(), 4s);
}

TEST(finally, C6_6_a_function_that_throws_has_failed_as_a_cleanup) {
    const auto throws = []() -> bide::task<> { throw std::runtime_error("no cleanup"); };
    const std::function<bide::task<>()> throws_at_once = [] {  // no coroutine
        throw std::logic_error("at once");
        return fails_after(0s, "never");
    };
    EXPECT_THROW(bide::finally(ready(1), throws, 1s).wait(), std::runtime_error);
    EXPECT_THROW(bide::finally(ready(1), throws_at_once, 1s).wait(), std::logic_error);
}

TEST(finally, C6_6_ends_at_its_limit_and_that_is_reported) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    log_t log;
    EXPECT_EQ(bide::finally(number_after(1s, 7), note_after(log, 1h, "cleanup"), 2s).wait(), 7);
    EXPECT_EQ(log, (log_t{"~frame of cleanup"}));
    EXPECT_EQ(time.elapsed(), 3s);
    const auto how = stopped_after(
        1s, [&]() -> bide::task<> { co_await bide::finally(bide::sleep_for(1h), note_after(log, 1h, "cleanup"), 2s); });
    EXPECT_EQ(how.substr(0, 9), "cancelled");
    EXPECT_EQ(time.elapsed(), 6s);
    const auto reports = seen.reports();
    ASSERT_EQ(reports.size(), 2U);
    EXPECT_NE(reports[0].find("limit"), std::string::npos);
    EXPECT_NE(reports[0].find("shield_test.cpp"), std::string::npos);
    EXPECT_TRUE(seen.errors().empty());
}

TEST(finally, C6_6_the_cleanup_knows_its_limit_and_no_other_deadline) {
    const bide::testing::virtual_time time;
    std::vector<std::optional<duration>> left;
    const auto note_left = [&]() -> bide::task<> {
        left.push_back(bide::time_left());
        EXPECT_FALSE(bide::stop_requested());
        co_await bide::sleep_for(1s);
    };
    EXPECT_THROW(bide::with_timeout(1s, bide::finally(bide::sleep_for(1h), note_left, 5s)).wait(), bide::timed_out);
    EXPECT_THROW(bide::with_timeout(1s, bide::finally(bide::sleep_for(1h), note_left, duration::max())).wait(),
                 bide::timed_out);
    EXPECT_EQ(left, (std::vector<std::optional<duration>>{5s, std::nullopt}));
    EXPECT_EQ(time.elapsed(), 4s);
}

TEST(finally, C6_6_a_limit_of_zero_or_less_stops_at_the_first_wait) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    for (const auto limit : {duration(0), duration(-1), duration::min()}) {
        int steps = 0;
        const auto sweep = [&]() -> bide::task<> {
            ++steps;
            co_await bide::sleep_for(0s);
            ++steps;
        };
        EXPECT_EQ(bide::finally(ready(1), sweep, limit).wait(), 1);
        EXPECT_EQ(steps, 1);
        const auto no_wait = [&]() -> bide::task<> {
            steps = 10;
            co_return;
        };
        EXPECT_EQ(bide::finally(ready(1), no_wait, limit).wait(), 1);
        EXPECT_EQ(steps, 10);
    }
    EXPECT_EQ(seen.reports().size(), 3U);
}

TEST(finally, C6_6_a_cleanup_that_fails_while_being_cancelled_is_a_failure) {
    const bide::testing::virtual_time time;
    const auto how = stopped_after(
        1s, []() -> bide::task<> { co_await bide::finally(bide::sleep_for(1h), fails_after(1s, "cleanup"), 5s); });
    EXPECT_EQ(how, "cleanup");
    EXPECT_THROW(bide::finally(ready(1), fails_after(1s, "cleanup"), 5s).wait(), std::runtime_error);
}

TEST(finally, C6_6_if_both_fail_the_body_goes_on_and_the_cleanup_goes_to_the_hook) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    std::string thrown;
    try {
        bide::finally(fails_after(1s, "body"), fails_after(1s, "cleanup"), 5s).wait();
    } catch (const std::runtime_error& e) {
        thrown = e.what();
    }
    EXPECT_EQ(thrown, "body");
    EXPECT_EQ(seen.errors(), (std::vector<std::string>{"cleanup"}));
}

TEST(finally, C6_6_a_value_that_gives_way_to_a_failure_is_destroyed_once) {
    const bide::testing::virtual_time time;
    const auto counted = std::make_shared<int>(1);
    const auto body = [&]() -> bide::task<std::shared_ptr<int>> { co_return counted; };
    EXPECT_THROW(bide::finally(body(), fails_after(1s, "cleanup"), 5s).wait(), std::runtime_error);
    EXPECT_EQ(counted.use_count(), 1);
    EXPECT_EQ(bide::finally(body(), bide::sleep_for(1s), 5s).wait().use_count(), 2);
}

// The surrounding task is stopped at every moment of the body, the cleanup and the time after it.
TEST(finally, C6_6_a_stop_at_every_stage) {
    for (int stage = 0; stage <= 8; ++stage) {
        const bide::testing::virtual_time time;
        log_t log;
        const auto all = [&]() -> bide::task<> {
            const traced outer(log, "outer");
            co_await bide::finally(note_after(log, 2s, "body"), note_after(log, 1s, "cleanup"), 5s);
            co_await bide::sleep_for(500ms);
            log.emplace_back("end");
        };
        stopped_after(stage * 500ms, all);
        log_t expected;
        if (stage > 0) {  // else it never began
            if (stage >= 4) expected.emplace_back("body");
            expected.insert(expected.end(), {"~frame of body", "cleanup", "~frame of cleanup"});
            if (stage >= 7) expected.emplace_back("end");
            expected.emplace_back("~outer");
        }
        EXPECT_EQ(log, expected) << stage;
    }
}

TEST(finally, C3_1_in_the_body_of_a_stopped_scope_it_runs_after_the_tasks) {
    const bide::testing::virtual_time time;
    log_t log;
    stopped_after(1s, [&]() -> bide::task<> {
        co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {
            s.start(note_after, std::ref(log), 1h, "task");
            co_await bide::finally(bide::sleep_for(1h), note_after(log, 1s, "cleanup"), 5s);
        });
    });
    EXPECT_EQ(log, (log_t{"~frame of task", "cleanup", "~frame of cleanup"}));
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(finally, C6_6_a_deep_chain) {
    const bide::testing::virtual_time time;
    int cleaned = 0;
    struct nest {
        static bide::task<> count(int& n) {
            co_await bide::yield_now();
            ++n;
        }
        static bide::task<> deep(int n, int& cleaned) {
            if (n == 0) {
                co_await bide::sleep_for(1h);
                co_return;
            }
            co_await bide::finally(deep(n - 1, cleaned), count(cleaned), 5s);
        }
    };
    EXPECT_THROW(bide::with_timeout(1s, nest::deep(20'000, cleaned)).wait(), bide::timed_out);
    EXPECT_EQ(cleaned, 20'000);
}

}  // namespace
