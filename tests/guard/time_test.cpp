// SPDX-License-Identifier: BSL-1.0
#include <bide/time.hpp>

#include <bide/combine.hpp>
#include <bide/loop_thread.hpp>
#include <bide/pool.hpp>
#include <bide/scope.hpp>
#include <bide/stop.hpp>
#include <bide/strand.hpp>
#include <bide/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

// Says when it dies.
class traced {
public:
    traced(std::vector<std::string>& log, std::string name) : log_(&log), name_(std::move(name)) {}
    traced(traced&& other) noexcept : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
    traced& operator=(traced&&) = delete;
    ~traced() {
        if (log_ != nullptr) log_->push_back("~" + name_);
    }

private:
    std::vector<std::string>* log_;
    std::string name_;
};

bide::task<std::string> after(clock_type::duration d, std::string value) {
    co_await bide::sleep_for(d);
    co_return value;
}
bide::task<> nothing_after(clock_type::duration d) { co_await bide::sleep_for(d); }
bide::task<int> ready(int n) { co_return n; }

// ---- sleeping -------------------------------------------------------------------------------------------------------

TEST(sleep_for, C6_4_C16_2_takes_its_time_and_no_more) {
    const bide::testing::virtual_time time;
    bide::sleep_for(90min).wait();
    EXPECT_EQ(time.elapsed(), 90min);
    bide::sleep_until(time.now() + 5s).wait();
    EXPECT_EQ(time.elapsed(), 90min + 5s);
}

TEST(sleep_for, C6_4_zero_negative_and_odd_durations_are_over_at_once) {
    const bide::testing::virtual_time time;
    bide::sleep_for(0s).wait();
    bide::sleep_for(-1h).wait();
    bide::sleep_for(clock_type::duration::min()).wait();
    bide::sleep_for(std::chrono::hours::min()).wait();
    bide::sleep_for(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).wait();
    bide::sleep_for(std::chrono::duration<double>(-std::numeric_limits<double>::infinity())).wait();
    bide::sleep_until(clock_type::time_point::min()).wait();
    EXPECT_EQ(time.elapsed(), 0s);
}

TEST(sleep_for, C6_4_a_zero_sleep_is_still_a_cancellation_point) {
    const bide::testing::virtual_time time;
    bool went_on = false;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            s.stop();
            co_await bide::sleep_for(0s);
            went_on = true;
        });
    });
    EXPECT_FALSE(went_on);
}

TEST(sleep_for, C6_4_max_is_for_ever) {
    const bide::testing::virtual_time time;
    int ended = 0;
    bide::with_scope([&](bide::scope& s) {
        const auto sleeper = [&](auto d) -> bide::task<> {
            struct at_end {
                int& n;
                ~at_end() { ++n; }
            } const end{ended};
            co_await bide::sleep_for(d);
            ADD_FAILURE() << "for ever is over";
        };
        s.start(sleeper, clock_type::duration::max());
        s.start(sleeper, std::chrono::hours::max());
        s.start(sleeper, std::chrono::duration<double>(std::numeric_limits<double>::infinity()));
        bide::sleep_for(1000h).wait();
        EXPECT_EQ(ended, 0);
        s.stop();
    });
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(time.elapsed(), 1000h);
}

TEST(sleep_until, C6_4_takes_points_of_any_unit) {
    const bide::testing::virtual_time time;
    const auto whole = std::chrono::ceil<std::chrono::hours>(time.now()) + 1h;
    static_assert(std::is_same_v<decltype(whole)::duration, std::chrono::hours>);
    bide::sleep_until(whole).wait();
    EXPECT_EQ(time.now(), whole);
    using exact = std::chrono::duration<double>;
    bide::sleep_until(std::chrono::time_point<clock_type, exact>(time.now()) + exact(0.5)).wait();
    EXPECT_GE(time.now(), whole + 500ms);
    EXPECT_LT(time.now(), whole + 501ms);
    // Finer than the clock: rounded up, so that the wait does not end early.
    using fine = std::chrono::duration<std::int64_t, std::pico>;
    const auto before = time.now();
    bide::sleep_until(std::chrono::time_point<clock_type, fine>(fine(before.time_since_epoch()) + fine(1))).wait();
    EXPECT_EQ(time.now(), before + 1ns);
    using wide = std::chrono::time_point<clock_type, exact>;
    bide::sleep_until(wide::min()).wait();  // over
    EXPECT_THROW(bide::with_timeout(1h, bide::sleep_until(wide::max())).wait(), bide::timed_out);
    EXPECT_EQ(time.now(), before + 1ns + 1h);
}

TEST(now, C6_4_a_task_has_the_time_of_its_loop) {
    const bide::testing::virtual_time time;
    const auto ten_seconds = []() -> bide::task<> {
        const auto before = bide::now();
        co_await bide::sleep_until(bide::now() + 10s);
        EXPECT_EQ(bide::now(), before + 10s);
    };
    ten_seconds().wait();
    EXPECT_EQ(time.elapsed(), 10s);
    const auto nested = [&]() -> bide::task<> {
        EXPECT_EQ(bide::now(), time.now());
        co_await ten_seconds();
        EXPECT_EQ(bide::now(), time.now());
    };
    nested().wait();
    EXPECT_EQ(time.elapsed(), 20s);
    const auto blocks = [&]() -> bide::task<> {
        ten_seconds().wait();  // plain code below a task, on a loop of its own
        EXPECT_EQ(bide::now(), time.now());
        co_await bide::with_deadline(bide::now() + 10s, ten_seconds());  // at the very deadline
    };
    blocks().wait();
    EXPECT_EQ(time.elapsed(), 40s);
    bide::with_scope([&](bide::scope& s) {
        s.start(ten_seconds);
        s.start(ten_seconds);
        EXPECT_EQ(bide::now(), time.now());
    });
    EXPECT_EQ(time.elapsed(), 50s);
    bide::loop l;
    bide::strand on_loop(l);
    auto f = on_loop.submit(ten_seconds);
    auto served = l.submit([&]() -> bide::task<> { co_await f; });  // the loop itself counts no work of the strand's
    l.run();
    served.value();
    EXPECT_EQ(time.elapsed(), 60s);
}

TEST(now, C6_4_plain_code_has_the_time_of_the_loop_that_it_would_wait_on) {
    const auto before = clock_type::now();
    const auto real = bide::now();
    EXPECT_LE(before, real);
    EXPECT_LE(real, clock_type::now());
    const bide::testing::virtual_time time;
    EXPECT_EQ(bide::now(), time.now());
    bide::sleep_until(bide::now() + 10s).wait();
    EXPECT_EQ(time.elapsed(), 10s);
    EXPECT_EQ(bide::now(), time.now());
}

// Returns whether now() is the steady clock's, when it is asked in between.
bool now_is_real() {
    const auto before = clock_type::now();
    const auto told = bide::now();
    return before <= told && told <= clock_type::now();
}
bide::task<bool> task_in_real_time() {
    if (!now_is_real()) co_return false;
    co_await bide::sleep_until(bide::now() + 1ms);
    co_return now_is_real();
}

TEST(now, C6_4_in_real_time_it_is_the_steady_clock_wherever_it_is_asked) {
    EXPECT_TRUE(task_in_real_time().wait());
    bide::loop l;
    bide::strand on_loop(l);
    auto f = on_loop.submit(task_in_real_time);
    auto served = l.submit([&]() -> bide::task<bool> { co_return co_await f; });
    l.run();
    EXPECT_TRUE(served.value());
    const bide::testing::virtual_time time;  // of this thread; the following run on others
    EXPECT_TRUE(bide::to_thread(now_is_real).wait());
    EXPECT_TRUE(bide::to_thread([] { return task_in_real_time().wait(); }).wait());
    EXPECT_TRUE(bide::with_timeout(1h, bide::to_thread(now_is_real)).wait());
    bide::pool cores(2);
    EXPECT_TRUE(cores.submit(task_in_real_time).wait());
    EXPECT_TRUE(cores.run(now_is_real).wait());
    auto both = [] { return bide::when_all(task_in_real_time(), task_in_real_time()); };
    EXPECT_EQ(cores.run(both).wait(), std::tuple(true, true));
    bide::strand on_cores(cores);
    EXPECT_TRUE(on_cores.submit(task_in_real_time).wait());
    bide::loop_thread worker;
    worker.start();
    EXPECT_TRUE(worker.submit(task_in_real_time).wait());
    EXPECT_TRUE(worker.call(now_is_real).wait());
    std::thread plain([] { EXPECT_TRUE(now_is_real()); });
    plain.join();
    EXPECT_EQ(time.elapsed(), 0s);
}

TEST(yield_now, C6_4_lets_every_other_ready_task_run_first) {
    std::string order;
    bide::with_scope([&](bide::scope& s) {
        for (const char name : {'a', 'b', 'c'})
            s.start(
                [&](char c) -> bide::task<> {
                    for (int i = 0; i < 3; ++i) {
                        order += c;
                        co_await bide::yield_now();
                    }
                },
                name);
    });
    EXPECT_EQ(order, "abcabcabc");
}

// ---- with_timeout: in time ------------------------------------------------------------------------------------------

TEST(with_timeout, C6_4_gives_what_the_operation_gives) {
    const bide::testing::virtual_time time;
    EXPECT_EQ(bide::with_timeout(2s, after(1s, "page")).wait(), "page");
    EXPECT_EQ(bide::with_timeout(2s, ready(7)).wait(), 7);
    bide::with_timeout(2s, nothing_after(1s)).wait();
    bide::with_timeout(2s, bide::sleep_for(1s)).wait();  // any awaitable
    EXPECT_EQ(time.elapsed(), 3s);
}

bide::task<> awaits_in_all_forms(std::string& got, clock_type::time_point later) {
    got += co_await bide::with_timeout(2s, after(1s, "a"));
    got += co_await bide::with_deadline(later, after(1s, "b"));
    auto named = bide::with_timeout(2s, after(1s, std::string(100, 'c')));
    got += co_await std::move(named);
    int target = 0;
    const auto reference = [&]() -> bide::task<int&> { co_return target; };
    EXPECT_EQ(&co_await bide::with_timeout(1s, reference()), &target);
    const auto move_only = []() -> bide::task<std::unique_ptr<int>> {
        co_await bide::sleep_for(1ms);
        co_return std::make_unique<int>(5);
    };
    EXPECT_EQ(*co_await bide::with_timeout(1s, move_only()), 5);
}

TEST(with_timeout, C6_4_in_a_coroutine_with_any_result) {
    const bide::testing::virtual_time time;
    std::string got;
    awaits_in_all_forms(got, time.now() + 1h).wait();
    EXPECT_EQ(got, "ab" + std::string(100, 'c'));
    EXPECT_EQ(time.elapsed(), 3001ms);
}

TEST(with_timeout, C6_4_failures_come_through_unchanged) {
    const bide::testing::virtual_time time;
    struct mine {
        int n;
    };
    const auto fails = [](clock_type::duration d) -> bide::task<> {
        if (d > 0s) co_await bide::sleep_for(d);
        throw mine{3};
    };
    EXPECT_THROW(bide::with_timeout(2s, fails(1s)).wait(), mine);
    EXPECT_THROW(bide::with_timeout(2s, fails(0s)).wait(), mine);
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(with_timeout, C6_4_a_future_is_only_awaited_and_the_handle_stays_good) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        auto f = s.start(after, 3s, "late");
        EXPECT_THROW(bide::with_timeout(1s, f).wait(), bide::timed_out);
        EXPECT_EQ(f.status(), bide::future_status::pending);  // 2.3: the producer goes on
        EXPECT_EQ(bide::with_timeout(5s, f).wait(), "late");
        EXPECT_EQ(f.value(), "late");  // not moved out
        EXPECT_EQ(bide::with_timeout(5s, std::move(f)).wait(), "late");
    });
    EXPECT_EQ(time.elapsed(), 3s);
}

TEST(with_timeout, C6_4_the_deadline_counts_from_the_await) {
    const bide::testing::virtual_time time;
    auto op = bide::with_timeout(2s, after(1s, "x"));
    bide::sleep_for(1h).wait();
    EXPECT_EQ(op.wait(), "x");
}

// ---- with_timeout: too late -----------------------------------------------------------------------------------------

TEST(with_timeout, C6_4_stops_the_operation_lets_its_cleanup_finish_and_throws) {
    const bide::testing::virtual_time time;
    std::vector<std::string> log;
    const auto inner = [&]() -> bide::task<> {
        const traced a(log, "inner");
        co_await bide::sleep_for(1h);
    };
    const auto outer = [&]() -> bide::task<> {
        const traced a(log, "outer1");
        const traced b(log, "outer2");
        co_await inner();
    };
    const auto all = [&]() -> bide::task<> {
        try {
            co_await bide::with_timeout(1s, outer());
        } catch (const bide::timed_out&) {
            log.emplace_back("timed out");
        }
        log.emplace_back(bide::stop_requested() ? "stopped" : "goes on");
        co_await bide::sleep_for(1s);
    };
    all().wait();
    EXPECT_EQ(log, (std::vector<std::string>{"~inner", "~outer2", "~outer1", "timed out", "goes on"}));
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(with_timeout, C6_4_waits_for_tasks_below_it) {
    const bide::testing::virtual_time time;
    int cleaned = 0;
    const auto work = [&]() -> bide::task<> {
        co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {
            for (int i = 0; i < 3; ++i)
                s.start([&]() -> bide::task<> {
                    struct at_end {
                        int& n;
                        ~at_end() { ++n; }
                    } const end{cleaned};
                    co_await bide::sleep_for(1h);
                });
            co_await bide::sleep_for(1h);
        });
    };
    EXPECT_THROW(bide::with_timeout(1s, work()).wait(), bide::timed_out);
    EXPECT_EQ(cleaned, 3);
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(with_timeout, C6_4_a_value_in_spite_of_the_deadline_is_given) {
    const bide::testing::virtual_time time;
    const auto ignores = []() -> bide::task<int> {
        while (!bide::stop_requested()) co_await bide::sleep_for(300ms);
        EXPECT_EQ(bide::why_stopped(), bide::stop_reason::deadline);
        co_return 4;
    };
    // It is stopped in its sleep; one that only computes is not.
    EXPECT_THROW(bide::with_timeout(1s, ignores()).wait(), bide::timed_out);
    const auto computes = []() -> bide::task<int> {
        EXPECT_TRUE(bide::stop_requested());
        EXPECT_EQ(bide::why_stopped(), bide::stop_reason::deadline);
        co_return 5;
    };
    EXPECT_EQ(bide::with_timeout(0s, computes()).wait(), 5);
}

TEST(with_timeout, C6_4_an_operation_that_fails_after_the_deadline_has_failed) {
    const bide::testing::virtual_time time;
    const auto fails = []() -> bide::task<> {
        if (bide::stop_requested()) throw std::runtime_error("while closing");
        co_return;
    };
    EXPECT_THROW(bide::with_timeout(0s, fails()).wait(), std::runtime_error);
}

TEST(with_timeout, C2_4_leaving_with_cancelled_after_the_deadline_is_timed_out) {
    const bide::testing::virtual_time time;
    const auto gives_up = []() -> bide::task<> {
        if (bide::stop_requested()) throw bide::cancelled(bide::why_stopped());
        co_return;
    };
    EXPECT_THROW(bide::with_timeout(0s, gives_up()).wait(), bide::timed_out);
    const auto cancelled_by_itself = []() -> bide::task<> {
        co_await bide::sleep_for(1ms);
        throw bide::cancelled();
    };
    EXPECT_THROW(bide::with_timeout(1s, cancelled_by_itself()).wait(), bide::cancelled);
}

TEST(with_timeout, C6_4_zero_negative_and_endless_durations) {
    const bide::testing::virtual_time time;
    const auto begun = [](int& n) -> bide::task<int> {
        ++n;
        co_await bide::sleep_for(1ns);
        ++n;
        co_return n;
    };
    for (const auto d : {clock_type::duration(0), clock_type::duration(-1), clock_type::duration::min()}) {
        int n = 0;
        EXPECT_THROW(bide::with_timeout(d, begun(n)).wait(), bide::timed_out);
        EXPECT_EQ(n, 1);  // it was asked before it began, and ended at its first wait
        EXPECT_EQ(bide::with_timeout(d, ready(3)).wait(), 3);
    }
    int n = 0;
    EXPECT_THROW(bide::with_timeout(std::chrono::hours::min(), begun(n)).wait(), bide::timed_out);
    EXPECT_THROW(bide::with_deadline(clock_type::time_point::min(), begun(n)).wait(), bide::timed_out);
    EXPECT_THROW(bide::with_deadline(clock_type::time_point{}, begun(n)).wait(), bide::timed_out);
    EXPECT_EQ(time.elapsed(), 0s);

    EXPECT_EQ(bide::with_timeout(clock_type::duration::max(), after(9h, "max")).wait(), "max");
    EXPECT_EQ(bide::with_timeout(std::chrono::hours::max(), after(9h, "hours")).wait(), "hours");
    EXPECT_EQ(
        bide::with_timeout(std::chrono::duration<double>(std::numeric_limits<double>::infinity()), after(9h, "inf"))
            .wait(),
        "inf");
    EXPECT_EQ(bide::with_timeout(clock_type::duration::max() - 1s, after(9h, "nearly")).wait(), "nearly");
    EXPECT_EQ(bide::with_deadline(clock_type::time_point::max(), after(9h, "never")).wait(), "never");
    using hours_point = std::chrono::time_point<clock_type, std::chrono::hours>;
    EXPECT_EQ(bide::with_deadline(hours_point::max(), after(9h, "never")).wait(), "never");
    EXPECT_THROW(bide::with_deadline(hours_point::min(), after(9h, "past")).wait(), bide::timed_out);
}

TEST(with_timeout, C6_4_at_the_very_deadline_the_result_counts) {
    // What has happened is delivered: the sleep is over when the operation is asked to stop.
    const bide::testing::virtual_time time;
    EXPECT_EQ(bide::with_timeout(1s, after(1s, "x")).wait(), "x");
    EXPECT_EQ(time.elapsed(), 1s);
    bide::promise<int> p;
    const auto f = p.get_future();
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await bide::sleep_for(1s);
            p.set_value(1);
        });
        bide::wait(bide::yield_now());  // it sleeps
        EXPECT_EQ(bide::with_timeout(1s, f).wait(), 1);
    });
}

// ---- nesting --------------------------------------------------------------------------------------------------------

// Which of three nested guards says timed_out.
std::string who_times_out(clock_type::duration outer, clock_type::duration middle, clock_type::duration inner) {
    std::string who;
    const auto innermost = [&]() -> bide::task<> {
        try {
            co_await bide::with_timeout(inner, nothing_after(10s));
        } catch (const bide::timed_out&) {
            who += "inner ";
        }
    };
    const auto between = [&]() -> bide::task<> {
        try {
            co_await bide::with_timeout(middle, innermost());
        } catch (const bide::timed_out&) {
            who += "middle ";
        }
    };
    try {
        bide::with_timeout(outer, between()).wait();
    } catch (const bide::timed_out&) {
        who += "outer ";
    }
    return who;
}

TEST(with_timeout, C6_4_only_the_guard_whose_deadline_has_passed_says_so) {
    const bide::testing::virtual_time time;
    EXPECT_EQ(who_times_out(1s, 2s, 3s), "outer ");
    EXPECT_EQ(who_times_out(2s, 1s, 3s), "middle ");
    EXPECT_EQ(who_times_out(3s, 2s, 1s), "inner ");
    EXPECT_EQ(who_times_out(1s, 1s, 1s), "outer ");  // the outer guard set it first
    EXPECT_EQ(who_times_out(3s, 0s, 2s), "middle ");
    EXPECT_EQ(time.elapsed(), 1s + 1s + 1s + 1s);
}

TEST(with_timeout, C6_4_a_deadline_is_inherited_by_everything_below) {
    const bide::testing::virtual_time time;
    std::vector<std::optional<clock_type::duration>> left;
    const auto note = [&]() -> bide::task<> {
        left.push_back(bide::time_left());
        co_return;
    };
    const auto body = [&]() -> bide::task<> {
        co_await note();  // awaited
        co_await bide::sleep_for(1s);
        co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {  // started
            s.start(note);
            co_await s.join();
        });
        co_await bide::with_timeout(1h, note());  // an inner one is never later
        co_await bide::with_timeout(2s, note());
        const auto plain = [&] { note().wait(); };  // waited for
        plain();
        left.push_back(bide::time_left());
    };
    left.push_back(bide::time_left());
    bide::with_timeout(10s, body()).wait();
    left.push_back(bide::time_left());
    using some = std::optional<clock_type::duration>;
    EXPECT_EQ(left, (std::vector<some>{std::nullopt, 10s, 9s, 9s, 2s, 9s, 9s, std::nullopt}));
}

// The loop that carries the deadline stands still under plain code that waits: the wait itself ends at the deadline.
TEST(with_timeout, C6_4_reaches_plain_code_that_waits_below_a_loop) {
    const bide::testing::virtual_time time;
    int cleaned = 0;
    const auto slow = [&]() -> bide::task<> {
        struct at_end {
            int& n;
            ~at_end() { ++n; }
        } const end{cleaned};
        co_await bide::sleep_for(1h);
    };
    const auto plain = [&] {
        try {
            slow().wait();
        } catch (const bide::cancelled& c) {
            EXPECT_EQ(c.reason(), bide::stop_reason::deadline);
            ++cleaned;
            throw;
        }
    };
    const auto body = [&]() -> bide::task<> {
        co_await bide::sleep_for(1s);  // the loop runs
        plain();
    };
    EXPECT_THROW(bide::with_timeout(3s, body()).wait(), bide::timed_out);
    EXPECT_EQ(cleaned, 2);
    EXPECT_EQ(time.elapsed(), 3s);
    const auto nested = [&]() -> bide::task<> {
        co_await bide::sleep_for(1s);
        EXPECT_THROW(bide::with_timeout(1s, slow()).wait(), bide::timed_out);  // an inner one of its own
        co_await bide::sleep_for(1s);
    };
    bide::with_timeout(10s, nested()).wait();
    EXPECT_EQ(time.elapsed(), 6s);
}

TEST(time_left, C6_4_is_empty_without_a_deadline_and_never_negative) {
    const bide::testing::virtual_time time;
    EXPECT_EQ(bide::time_left(), std::nullopt);
    const auto asks = []() -> bide::task<> {
        EXPECT_EQ(bide::time_left(), clock_type::duration::zero());
        co_return;
    };
    bide::with_timeout(-1h, asks()).wait();
    bide::with_deadline(clock_type::time_point::min(), asks()).wait();
    const auto for_ever = []() -> bide::task<> {
        EXPECT_EQ(bide::time_left(), std::nullopt);
        co_return;
    };
    bide::with_timeout(clock_type::duration::max(), for_ever()).wait();
}

// ---- stopped from outside -------------------------------------------------------------------------------------------

// The surrounding task is stopped at each moment of a guarded operation: before, in, at and after its deadline, and in
// the cleanup that the deadline caused. Whatever happens, every frame ends once, and the stop goes on outwards.
TEST(with_timeout, C6_5_a_stop_from_outside_at_every_stage) {
    for (int stage = 0; stage <= 8; ++stage) {
        const bide::testing::virtual_time time;
        std::vector<std::string> log;
        const auto operation = [&]() -> bide::task<> {
            const traced t(log, "operation");
            co_await bide::sleep_for(2s);
            co_await bide::sleep_for(2s);
        };
        const auto victim = [&]() -> bide::task<> {
            const traced t(log, "victim");
            try {
                co_await bide::with_timeout(3s, operation());
                log.emplace_back("value");
            } catch (const bide::timed_out&) {
                log.emplace_back("timed out");
            }
            co_await bide::sleep_for(1s);
            log.emplace_back("end");
        };
        bide::with_scope([&](bide::scope& s) {
            const auto f = s.start(victim);
            bide::sleep_for(stage * 500ms).wait();
            f.stop();
        });
        using logged = std::vector<std::string>;
        if (stage == 0)
            EXPECT_EQ(log, logged{});  // never began
        else if (stage < 7)
            EXPECT_EQ(log, (logged{"~operation", "~victim"})) << stage;
        else if (stage < 8)
            EXPECT_EQ(log, (logged{"~operation", "timed out", "~victim"})) << stage;
        else
            EXPECT_EQ(log.back(), "~victim");
        EXPECT_EQ(time.elapsed(), stage * 500ms);
    }
}

TEST(with_timeout, C6_4_leaves_no_timer_behind) {
    // A timer that stayed would point into a dead frame, and fire in the long sleep at the end.
    const bide::testing::virtual_time time;
    const auto work = []() -> bide::task<> {
        for (int i = 0; i < 1000; ++i) {
            co_await bide::with_timeout(1h, ready(i));
            co_await bide::with_timeout(1h, nothing_after(1ms));
        }
        co_await bide::sleep_for(10h);
    };
    work().wait();
    EXPECT_EQ(time.elapsed(), 10h + 1s);
}

TEST(with_timeout, C6_4_a_chain_of_a_hundred_thousand_guards) {
    const bide::testing::virtual_time time;
    struct nest {
        static bide::task<int> deep(int n) {
            if (n == 0) {
                co_await bide::sleep_for(1h);
                co_return 0;
            }
            co_return 1 + co_await bide::with_timeout(std::chrono::seconds(n), deep(n - 1));
        }
    };
    EXPECT_THROW(nest::deep(100'000).wait(), bide::timed_out);  // the innermost one
    EXPECT_EQ(time.elapsed(), 1s);
}

// Real time, two threads: the operation is completed by another thread just when its time is over.
TEST(with_timeout, C6_4_a_completion_races_with_the_deadline) {
    int values = 0;
    int late = 0;
    for (int round = 0; round < 300; ++round) {
        bide::promise<int> p;
        auto f = p.get_future();
        std::atomic<bool> begun{false};
        std::thread other([&] {
            while (!begun) std::this_thread::yield();
            const auto until = clock_type::now() + std::chrono::microseconds(round % 100);
            while (clock_type::now() < until) {}
            p.set_value(1);
        });
        begun = true;
        try {
            values += bide::with_timeout(50us, f).wait();
        } catch (const bide::timed_out&) {
            ++late;
        }
        other.join();
        EXPECT_EQ(f.wait(), 1);
    }
    EXPECT_EQ(values + late, 300);
}

}  // namespace
