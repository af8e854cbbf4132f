// SPDX-License-Identifier: BSL-1.0
//
// as_result over what the core has, and over types of a user's. The operations of I/O are in tests/io/as_result_test.cpp.
#include <bide/as_result.hpp>

#include <bide/combine.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/sync/channel.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/task_local.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/counted.hpp"

#include <gtest/gtest.h>

#include <array>
#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace {

using bide::as_result;
using bide::result;
using bide::task;
using bide_test::counted;
using namespace std::chrono_literals;

const std::error_code refused = std::make_error_code(std::errc::connection_refused);

/// A value without a default constructor, that owns memory.
class named {
public:
    explicit named(std::string n) : name(std::move(n)) {}
    std::string name;
};

task<> nothing() { co_return; }
template <class T>
task<T> give(T value) {
    co_return std::move(value);
}
task<int&> refer(int& to) { co_return to; }
template <class T>
task<T> refuse() {
    throw std::system_error(refused, "nobody there");
    co_return co_await refuse<T>();  // never reached: it makes a coroutine of this function
}
template <class E>
task<int> fail_with(E e) {
    throw e;
    co_return 0;
}
template <class T>
bide::future<T> ready_future(T value) {
    bide::promise<T> p;
    bide::future<T> f = p.get_future();
    p.set_value(std::move(value));
    return f;
}

/// A user's operation: an awaiter of the language, without a coded form.
class foreign_op {
public:
    explicit foreign_op(bool fails) : fails_(fails) {}
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    std::string await_resume() {
        if (fails_) throw std::system_error(refused, "foreign");
        return "a text that is longer than a short string may be";
    }

private:
    bool fails_;
    counted owned_;
};

/// A user's operation with a coded form. Its plain form must not be used where a code is asked for.
class coded_by_user {
public:
    explicit coded_by_user(std::error_code e) noexcept : error_(e) {}
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    std::string await_resume() { throw std::logic_error("the plain form was used"); }
    [[nodiscard]] task<result<std::string>> coded() && {
        owned_.use();
        return finish(error_, std::move(owned_));
    }

private:
    static task<result<std::string>> finish(std::error_code e, counted c) {
        c.use();
        co_return result<std::string>(e, "what was achieved before the error, if there was one");
    }
    std::error_code error_;
    counted owned_;
};

/// A member named coded() that is something else.
class coded_otherwise {
public:
    coded_otherwise() noexcept {}
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() { return 7; }
    [[nodiscard]] int coded() const noexcept { return 8; }
};

template <class A>
using result_of = bide::await_result_t<decltype(as_result(std::declval<A>()))>;

// ---- the types ------------------------------------------------------------------------------------------------------

static_assert(std::is_same_v<result_of<task<>>, std::error_code>);
static_assert(std::is_same_v<result_of<task<int>>, result<int>>);
static_assert(std::is_same_v<result_of<task<int&>>, result<int&>>);
static_assert(std::is_same_v<result_of<task<named>>, result<named>>);
static_assert(std::is_same_v<result_of<task<std::unique_ptr<int>>>, result<std::unique_ptr<int>>>);
static_assert(std::is_same_v<result_of<bide::future<int>&>, result<int>>);
static_assert(std::is_same_v<result_of<const bide::future<int>&>, result<int>>);
static_assert(std::is_same_v<result_of<bide::future<>&>, std::error_code>);
static_assert(std::is_same_v<result_of<bide::future<std::unique_ptr<int>>>, result<std::unique_ptr<int>>>);
static_assert(std::is_same_v<result_of<decltype(bide::sleep_for(1s))>, std::error_code>);
static_assert(std::is_same_v<result_of<bide::event&>, std::error_code>);
static_assert(std::is_same_v<result_of<decltype(std::declval<bide::mutex&>().lock())>, result<bide::mutex::guard>>);
static_assert(
    std::is_same_v<result_of<decltype(std::declval<bide::channel<int>&>().receive())>, result<std::optional<int>>>);
static_assert(std::is_same_v<result_of<decltype(std::declval<bide::channel<int>&>().send(1))>, result<bool>>);
static_assert(std::is_same_v<result_of<decltype(bide::with_timeout(1s, give(1)))>, result<int>>);
static_assert(std::is_same_v<result_of<decltype(bide::shield(give(1)))>, result<int>>);
static_assert(std::is_same_v<result_of<decltype(bide::when_all(give(1), nothing(), give('c')))>,
                             result<bide::await_result_t<decltype(bide::when_all(give(1), nothing(), give('c')))>>>);
static_assert(std::is_same_v<result_of<decltype(bide::race(give(1), give(2)))>, result<int>>);
static_assert(std::is_same_v<result_of<foreign_op>, result<std::string>>);
static_assert(std::is_same_v<result_of<coded_by_user>, result<std::string>>);
static_assert(std::is_same_v<result_of<coded_otherwise>, result<int>>);
// A result is a value like another one.
static_assert(std::is_same_v<result_of<decltype(as_result(give(1)))>, result<result<int>>>);

static_assert(std::is_same_v<decltype(result<int>::value), int>);
static_assert(std::is_same_v<decltype(result<named>::value), std::optional<named>>);
static_assert(std::is_same_v<decltype(result<int&>::value), int*>);
static_assert(std::is_same_v<decltype(result<const named&>::value), const named*>);
static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_constructible_v<result<std::unique_ptr<int>>, std::error_code, std::unique_ptr<int>>);
static_assert(!bide::awaitable<result<int>>);

TEST(result, has_the_value_also_beside_an_error) {
    const result<int> good(std::error_code(), 3);
    EXPECT_TRUE(good.ok());
    EXPECT_EQ(good.value, 3);
    const result<int> bad(refused, 2);
    EXPECT_FALSE(bad.ok());
    EXPECT_EQ(bad.error, refused);
    EXPECT_EQ(bad.value, 2);
}

TEST(result, moves_what_cannot_be_copied) {
    result<std::unique_ptr<int>> made(std::error_code(), std::make_unique<int>(3));
    const result<std::unique_ptr<int>> moved = std::move(made);
    EXPECT_EQ(*moved.value, 3);
}

// ---- a value, an error ----------------------------------------------------------------------------------------------

TEST(as_result, C2_8_a_value_arrives_and_an_error_is_a_code) {
    const result<int> good = as_result(give(3)).wait();
    EXPECT_TRUE(good.ok());
    EXPECT_EQ(good.value, 3);
    const result<int> bad = as_result(refuse<int>()).wait();
    EXPECT_EQ(bad.error, refused);
    EXPECT_EQ(bad.value, 0);
    EXPECT_FALSE(as_result(nothing()).wait());
    EXPECT_EQ(as_result(refuse<void>()).wait(), refused);
}

TEST(as_result, C2_8_in_a_coroutine_it_is_the_same) {
    auto body = []() -> task<> {
        const result<std::string> good = co_await as_result(give(std::string("a text longer than a short string")));
        EXPECT_EQ(good.value, "a text longer than a short string");
        const result<std::string> bad = co_await as_result(refuse<std::string>());
        EXPECT_EQ(bad.error, refused);
        EXPECT_EQ(bad.value, "");
        if (const std::error_code e = co_await as_result(refuse<void>()))
            EXPECT_EQ(e, refused);
        else
            ADD_FAILURE() << "no error";
        task<int> named_one = give(4);
        EXPECT_EQ((co_await as_result(std::move(named_one))).value, 4);
        EXPECT_FALSE(named_one) << "it was consumed";
    };
    body().wait();
}

TEST(as_result, C2_8_a_value_without_a_default_constructor_is_optional) {
    const result<named> good = as_result(give(named("somebody"))).wait();
    ASSERT_TRUE(good.ok() && good.value.has_value());
    EXPECT_EQ(good.value->name, "somebody");
    const result<named> bad = as_result(refuse<named>()).wait();
    EXPECT_EQ(bad.error, refused);
    EXPECT_FALSE(bad.value.has_value());
}

TEST(as_result, C2_8_a_reference_is_a_pointer) {
    int n = 1;
    const result<int&> good = as_result(refer(n)).wait();
    ASSERT_EQ(good.value, &n);
    *good.value = 2;
    EXPECT_EQ(n, 2);
    auto refuse_it = []() -> task<int&> {
        throw std::system_error(refused, "no reference");
        static int never;
        co_return never;
    };
    const result<int&> bad = as_result(refuse_it()).wait();
    EXPECT_EQ(bad.error, refused);
    EXPECT_EQ(bad.value, nullptr);
}

TEST(as_result, C2_8_what_can_only_be_moved_is_moved) {
    result<std::unique_ptr<int>> good = as_result(give(std::make_unique<int>(5))).wait();
    EXPECT_EQ(*good.value, 5);
    EXPECT_EQ(as_result(refuse<std::unique_ptr<int>>()).wait().value, nullptr);
    bide::future<std::unique_ptr<int>> f = ready_future(std::make_unique<int>(6));
    result<std::unique_ptr<int>> from_future = as_result(std::move(f)).wait();
    EXPECT_EQ(*from_future.value, 6);
}

// ---- what passes ----------------------------------------------------------------------------------------------------

TEST(as_result, C2_8_other_exceptions_pass) {
    EXPECT_THROW(static_cast<void>(as_result(fail_with(std::runtime_error("mine"))).wait()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(as_result(fail_with(bide::usage_error("a mistake"))).wait()), bide::usage_error);
    EXPECT_THROW(static_cast<void>(as_result(fail_with(bide::timed_out())).wait()), bide::timed_out);
    EXPECT_THROW(static_cast<void>(as_result(fail_with(42)).wait()), int);
}

TEST(as_result, C2_8_an_error_class_derived_from_system_error_is_a_code) {
    class derived : public std::system_error {
    public:
        derived() : std::system_error(refused, "derived") {}
    };
    EXPECT_EQ(as_result(fail_with(derived())).wait().error, refused);
}

TEST(as_result, C2_8_a_consumed_task_is_a_usage_error) {
    task<int> once = give(1);
    EXPECT_EQ(as_result(std::move(once)).wait().value, 1);
    EXPECT_THROW(static_cast<void>(as_result(std::move(once)).wait()), bide::usage_error);
}

TEST(as_result, C2_8_a_stop_passes_and_is_no_result) {
    bide::loop l;
    bide::event never;
    bool went_on = false;
    auto body = [](bide::event& e, bool& on) -> task<> {
        static_cast<void>(co_await as_result(e));
        on = true;
    };
    auto f = l.submit(body, std::ref(never), std::ref(went_on));
    for (int i = 0; i < 3; ++i) l.poll();
    ASSERT_EQ(f.status(), bide::future_status::pending);
    f.stop();
    while (f.status() == bide::future_status::pending) l.poll();
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
    EXPECT_FALSE(went_on);
    EXPECT_THROW(static_cast<void>(as_result(f).wait()), bide::cancelled) << "a future that was cancelled";
}

TEST(as_result, C2_8_a_timeout_passes_inside_and_outside) {
    const bide::testing::virtual_time time;
    bide::event never;
    EXPECT_THROW(static_cast<void>(as_result(bide::with_timeout(1s, never)).wait()), bide::timed_out);
    auto wait_for = [](bide::event& e) -> task<int> {
        co_await e;
        co_return 1;
    };
    EXPECT_THROW(static_cast<void>(bide::with_timeout(1s, as_result(wait_for(never))).wait()), bide::timed_out);
    EXPECT_EQ(bide::with_timeout(1s, as_result(refuse<int>())).wait().error, refused);
    EXPECT_EQ(as_result(bide::with_timeout(1s, refuse<int>())).wait().error, refused);
}

// ---- over everything ------------------------------------------------------------------------------------------------

TEST(as_result, C2_8_a_future_stays_with_the_caller) {
    const bide::future<std::string> f = ready_future(std::string("shared by everybody who has a handle"));
    EXPECT_EQ(as_result(f).wait().value, f.value());
    EXPECT_EQ(as_result(f).wait().value, "shared by everybody who has a handle") << "any number of times";
    bide::promise<int> p;
    const bide::future<int> failed = p.get_future();
    p.set_exception(std::make_exception_ptr(std::system_error(refused, "told by a callback")));
    EXPECT_EQ(as_result(failed).wait().error, refused);
    EXPECT_EQ(as_result(failed).wait().error, refused);
    bide::promise<> done;
    const bide::future<> nothing_in_it = done.get_future();
    done.set_value();
    EXPECT_FALSE(as_result(nothing_in_it).wait());
}

TEST(as_result, C2_8_a_future_that_is_not_ready_is_waited_for) {
    bide::loop l;
    bide::promise<int> p;
    bide::future<int> f = p.get_future();
    auto read = l.submit([](bide::future<int> from) -> task<int> { co_return (co_await as_result(from)).value; }, f);
    for (int i = 0; i < 3; ++i) l.poll();
    EXPECT_EQ(read.status(), bide::future_status::pending);
    p.set_value(9);
    while (read.status() == bide::future_status::pending) l.poll();
    EXPECT_EQ(read.value(), 9);
}

TEST(as_result, C2_8_a_lock_is_held_by_the_result) {
    bide::mutex m;
    {
        const result<bide::mutex::guard> held = as_result(m.lock()).wait();
        EXPECT_TRUE(held.ok());
        EXPECT_TRUE(held.value.owns_lock());
        EXPECT_TRUE(m.locked());
    }
    EXPECT_FALSE(m.locked());
}

TEST(as_result, C2_8_channels_timers_and_events) {
    const bide::testing::virtual_time time;
    bide::channel<int> c(1);
    EXPECT_TRUE(as_result(c.send(4)).wait().value);
    EXPECT_EQ(as_result(c.receive()).wait().value, 4);
    EXPECT_FALSE(as_result(bide::sleep_for(1h)).wait());
    EXPECT_GE(time.elapsed(), 1h);
    bide::event e;
    e.set();
    EXPECT_FALSE(as_result(e).wait()) << "an event is not copied";
}

TEST(as_result, C2_8_among_others) {
    auto [a, b, c] = bide::when_all(as_result(give(1)), as_result(refuse<int>()), as_result(refuse<void>())).wait();
    EXPECT_EQ(a.value, 1);
    EXPECT_EQ(b.error, refused) << "no failure, so it stops nobody";
    EXPECT_EQ(c, refused);
    const bide::testing::virtual_time time;
    auto slow = []() -> task<int> {
        co_await bide::sleep_for(1h);
        co_return 1;
    };
    const result<int> first = bide::race(as_result(slow()), as_result(refuse<int>())).wait();
    EXPECT_EQ(first.error, refused);
    EXPECT_LT(time.elapsed(), 1h);
    EXPECT_EQ(as_result(bide::when_all(give(1), refuse<int>())).wait().error, refused);
    EXPECT_EQ(as_result(bide::race(refuse<int>(), slow())).wait().error, refused);
    EXPECT_EQ(as_result(as_result(refuse<int>())).wait().value->error, refused);
}

// ---- types of a user's ----------------------------------------------------------------------------------------------

TEST(as_result, C2_8_a_foreign_awaiter_is_moved_and_destroyed_once) {
    const int faults = counted::faults();
    const int alive = counted::living();
    auto body = []() -> task<> {
        const auto good = co_await as_result(foreign_op(false));
        EXPECT_EQ(good.value, "a text that is longer than a short string may be");
        const auto bad = co_await as_result(foreign_op(true));
        EXPECT_EQ(bad.error, refused);
        EXPECT_EQ(bad.value, "");
        foreign_op stays(true);
        EXPECT_EQ((co_await as_result(stays)).error, refused);
        EXPECT_EQ((co_await as_result(std::move(stays))).error, refused);
    };
    body().wait();
    static_cast<void>(as_result(foreign_op(true)));  // never awaited
    EXPECT_EQ(counted::living(), alive);
    EXPECT_EQ(counted::faults(), faults);
}

TEST(as_result, C2_8_a_coded_form_of_a_users_is_used) {
    const int faults = counted::faults();
    const int alive = counted::living();
    auto body = []() -> task<> {
        const auto bad = co_await as_result(coded_by_user(refused));
        EXPECT_EQ(bad.error, refused);
        EXPECT_EQ(bad.value, "what was achieved before the error, if there was one") << "nothing is lost";
        auto [one, two] =
            co_await bide::when_all(as_result(coded_by_user(refused)), as_result(coded_by_user(std::error_code())));
        EXPECT_FALSE(one.ok());
        EXPECT_TRUE(two.ok());
    };
    body().wait();
    static_cast<void>(as_result(coded_by_user(refused)));  // never awaited
    EXPECT_EQ(counted::living(), alive);
    EXPECT_EQ(counted::faults(), faults);
}

TEST(as_result, a_member_that_only_has_the_name_is_let_alone) {
    EXPECT_EQ(as_result(coded_otherwise()).wait().value, 7);
}

}  // namespace
