// SPDX-License-Identifier: BSL-1.0
#include <bide/future.hpp>
#include <bide/scope.hpp>
#include <bide/task.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/dev_mode.hpp"
#include "support/lives.hpp"
#include "support/unhandled.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;

// ---- 1.1 one function, every context --------------------------------------------------------------------------------

task<int> length(std::string text) { co_return static_cast<int>(text.size()); }
task<int> twice_the_length(std::string text) {
    const int n = co_await length(std::move(text));
    co_return 2 * n;
}

TEST(task, C1_1_the_same_function_is_waited_for_awaited_and_started) {
    EXPECT_EQ(length("four").wait(), 4);
    EXPECT_EQ(twice_the_length("four").wait(), 8);
    int started = 0;
    bide::with_scope([&](bide::scope& s) {
        const bide::future<int> f = s.start(length, "seven..");
        started = f.wait();
    });
    EXPECT_EQ(started, 7);
}

struct picky {  // neither default-constructible nor copyable
    explicit picky(int v) : value(v) {}
    picky(picky&&) = default;
    picky& operator=(picky&&) = default;
    int value;
};
task<picky> make_picky(int v) { co_return picky(v); }
task<std::unique_ptr<int>> make_owner(int v) { co_return std::make_unique<int>(v); }
task<int&> refer_to(int& i) { co_return i; }
task<const std::string&> refer_to_const(const std::string& s) { co_return s; }
task<> set(int& i, int v) {
    i = v;
    co_return;
}
task<int&&> rvalue_of(int& i) { co_return std::move(i); }

TEST(task, C1_1_a_result_may_be_void) {
    int i = 0;
    set(i, 3).wait();
    EXPECT_EQ(i, 3);
}
TEST(task, C1_1_a_result_may_be_a_reference) {
    int i = 0;
    EXPECT_EQ(&refer_to(i).wait(), &i);
    const std::string s = "s";
    EXPECT_EQ(&refer_to_const(s).wait(), &s);
    const auto through = [&]() -> task<int&> {
        int& r = co_await refer_to(i);
        co_return r;
    };
    EXPECT_EQ(&through().wait(), &i);
    int&& r = rvalue_of(i).wait();
    EXPECT_EQ(&r, &i);
    bide::with_scope([&](bide::scope& sc) {
        const bide::future<int&> f = sc.start(refer_to, std::ref(i));
        EXPECT_EQ(&f.wait(), &i);
    });
}
TEST(task, C1_1_a_result_may_be_move_only_and_need_not_be_default_constructible) {
    EXPECT_EQ(make_picky(5).wait().value, 5);
    EXPECT_EQ(*make_owner(6).wait(), 6);
    const auto through = []() -> task<picky> {
        picky p = co_await make_picky(7);
        co_return p;
    };
    EXPECT_EQ(through().wait().value, 7);
    bide::with_scope([&](bide::scope& s) {
        auto f = s.start(make_owner, 8);
        EXPECT_EQ(*std::move(f).wait(), 8);
    });
}
TEST(task, C1_1_a_result_converts_and_is_built_from_braces) {
    const auto text = []() -> task<std::string> { co_return "from a literal"; };
    EXPECT_EQ(text().wait(), "from a literal");
    const auto nothing = []() -> task<std::vector<int>> { co_return {}; };
    EXPECT_TRUE(nothing().wait().empty());
}
TEST(task, C1_1_a_result_is_destroyed_once) {
    support::life_count lives;
    {
        const auto make = [&]() -> task<support::counted> { co_return support::counted(lives); };
        const auto ignore = [&]() -> task<> { (void)co_await make(); };
        ignore().wait();
        (void)make().wait();
    }
    EXPECT_EQ(lives.alive, 0);
    EXPECT_GT(lives.made, 0);
}

// ---- 1.2 nothing runs before it is consumed -------------------------------------------------------------------------

task<> note_run(bool& ran, support::counted) {
    ran = true;
    co_return;
}

TEST(task, C1_2_nothing_runs_before_it_is_consumed) {
    support::life_count lives;
    bool ran = false;
    task<> t = note_run(ran, support::counted(lives));
    EXPECT_FALSE(ran);
    EXPECT_TRUE(t);
    t.wait();
    EXPECT_TRUE(ran);
    EXPECT_FALSE(t);
    EXPECT_EQ(lives.alive, 0);
}
TEST(task, C1_2_one_that_is_never_consumed_never_runs_and_its_arguments_are_destroyed_once) {
    support::life_count lives;
    bool ran = false;
    {
        const task<> t = note_run(ran, support::counted(lives));
        EXPECT_EQ(lives.alive, 1);  // the parameter in the frame
    }
    EXPECT_FALSE(ran);
    EXPECT_EQ(lives.alive, 0);
    EXPECT_EQ(lives.made, lives.destroyed);
}
TEST(task, C1_2_moving_moves_the_work) {
    support::life_count lives;
    bool ran = false;
    task<> a = note_run(ran, support::counted(lives));
    task<> b = std::move(a);
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(b);
    task<> c = note_run(ran, support::counted(lives));
    c = std::move(b);  // what c held is dropped
    EXPECT_EQ(lives.alive, 1);
    EXPECT_FALSE(ran);
    std::move(c).wait();
    EXPECT_TRUE(ran);
}
task<int> forgotten_function() { co_return 1; }
TEST(task, C1_2_C17_4_dev_mode_names_the_dropped_function) {
    const support::unhandled reports;
    const support::dev_mode_on dev;
    { const task<int> t = forgotten_function(); }
    ASSERT_EQ(reports.reports().size(), 1U);
    const std::string text = reports.reports()[0];
    EXPECT_NE(text.find("forgotten_function"), std::string::npos) << text;
    EXPECT_NE(text.find("task_test.cpp"), std::string::npos) << text;
    EXPECT_NE(text.find("co_await"), std::string::npos) << text;
}
TEST(task, C1_2_what_a_dropped_task_owned_is_not_reported_again) {
    const auto owner = [](task<int> inner) -> task<int> { co_return co_await std::move(inner); };
    const support::unhandled reports;
    const support::dev_mode_on dev;
    { const task<int> t = owner(forgotten_function()); }
    EXPECT_EQ(reports.reports().size(), 1U);
}
TEST(task, C1_2_consumed_tasks_are_not_reported) {
    const support::unhandled reports;
    const support::dev_mode_on dev;
    EXPECT_EQ(forgotten_function().wait(), 1);
    bide::with_scope([](bide::scope& s) { s.start(forgotten_function()); });
    EXPECT_TRUE(reports.reports().empty());
}
TEST(task, C1_2_a_task_that_dies_with_an_exception_is_not_reported) {
    const support::unhandled reports;
    const support::dev_mode_on dev;
    EXPECT_THROW(
        {
            const task<int> t = forgotten_function();
            throw std::runtime_error("in between");
        },
        std::runtime_error);
    EXPECT_TRUE(reports.reports().empty());
}

// ---- arguments ------------------------------------------------------------------------------------------------------

struct bomb {  // the n-th copy throws
    explicit bomb(int& fuse, support::life_count& l) : fuse_(&fuse), c_(l) {}
    bomb(const bomb& other) : fuse_(other.fuse_), c_(other.c_) {
        if (--*fuse_ == 0) throw std::runtime_error("copy");
    }
    bomb(bomb&&) noexcept = default;

private:
    int* fuse_;
    support::counted c_;
};
task<> take(bomb) { co_return; }
TEST(task, C1_2_an_argument_whose_copy_throws_leaves_nothing_behind) {
    support::life_count lives;
    for (int n = 1; n <= 3; ++n) {
        int fuse = n;
        const bomb b(fuse, lives);
        bool thrown = false;
        try {
            take(b).wait();
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        EXPECT_EQ(thrown, n == 1);
    }
    EXPECT_EQ(lives.alive, 0);
    for (int n = 1; n <= 3; ++n) {
        int fuse = n;
        const bomb b(fuse, lives);
        bool thrown = false;
        try {
            bide::with_scope([&](bide::scope& s) { s.start(take, b); });
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        EXPECT_EQ(thrown, n == 1);
    }
    EXPECT_EQ(lives.alive, 0);
}
TEST(task, C18_1_parameters_live_until_the_task_has_ended_and_die_before_its_caller_goes_on) {
    support::life_count lives;
    const bide::testing::virtual_time time;
    const auto child = [](support::counted c) -> task<int> {
        co_await bide::sleep_for(1s);
        co_return c.count().alive.load();
    };
    int after = -1;
    const auto parent = [&]() -> task<> {
        EXPECT_GE(co_await child(support::counted(lives)), 1);
        after = lives.alive;
    };
    parent().wait();
    EXPECT_EQ(after, 0);
}

// ---- abuse ----------------------------------------------------------------------------------------------------------

TEST(task, C18_2_a_moved_from_task_throws_and_says_where) {
    task<int> t = forgotten_function();
    const task<int> kept = std::move(t);
    try {
        t.wait();  // NOLINT(bugprone-use-after-move)
        FAIL() << "waited for nothing";
    } catch (const bide::usage_error& e) {
        EXPECT_NE(std::string(e.what()).find("task_test.cpp"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("consumed once"), std::string::npos) << e.what();
    }
}
TEST(task, C18_2_a_second_wait_throws) {
    task<int> t = forgotten_function();
    EXPECT_EQ(t.wait(), 1);
    EXPECT_THROW(t.wait(), bide::usage_error);
}
TEST(task, C18_2_a_second_await_throws_into_the_awaiter) {
    const auto body = []() -> task<int> {
        task<int> t = forgotten_function();
        const int first = co_await std::move(t);
        int second = 0;
        try {
            second = co_await std::move(t);  // NOLINT(bugprone-use-after-move)
        } catch (const bide::usage_error&) {
            second = 10;
        }
        co_return first + second;
    };
    EXPECT_EQ(body().wait(), 11);
}
TEST(task, C18_2_starting_an_empty_task_fails_its_future) {
    task<int> t = forgotten_function();
    EXPECT_EQ(t.wait(), 1);
    EXPECT_THROW(bide::with_scope([&](bide::scope& s) { s.start(std::move(t)); }), bide::usage_error);
}

// ---- exceptions -----------------------------------------------------------------------------------------------------

struct own_error {
    int code;
};
task<> fail_with(int code) {
    throw own_error{code};
    co_return;
}
TEST(task, an_exception_comes_through_as_itself) {
    try {
        fail_with(3).wait();
        FAIL();
    } catch (const own_error& e) {
        EXPECT_EQ(e.code, 3);
    }
    const auto middle = []() -> task<int> {
        try {
            co_await fail_with(4);
        } catch (const own_error& e) {
            co_return e.code;
        }
        co_return 0;
    };
    EXPECT_EQ(middle().wait(), 4);
}
TEST(task, an_exception_after_a_suspension_comes_through_as_itself) {
    const bide::testing::virtual_time time;
    const auto late = []() -> task<int> {
        co_await bide::sleep_for(1s);
        throw own_error{5};
    };
    const auto middle = [&]() -> task<int> { co_return co_await late(); };
    EXPECT_THROW(middle().wait(), own_error);
}
struct throws_on_move {
    throws_on_move() = default;
    throws_on_move(throws_on_move&&) { throw own_error{6}; }
};
TEST(task, a_result_whose_move_throws_is_a_failure) {
    const auto make = []() -> task<throws_on_move> { co_return throws_on_move(); };
    EXPECT_THROW((void)make().wait(), own_error);
}

TEST(task, C18_2_a_cold_task_may_be_consumed_on_another_thread) {
    task<int> t = forgotten_function();
    int got = 0;
    std::thread other([&got, moved = std::move(t)]() mutable { got = moved.wait(); });
    other.join();
    EXPECT_EQ(got, 1);
}

}  // namespace
