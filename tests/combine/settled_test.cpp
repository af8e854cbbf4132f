// SPDX-License-Identifier: BSL-1.0
#include <bide/settled.hpp>

#include <bide/combine.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/unhandled.hpp"

namespace {

using namespace std::chrono_literals;
using duration = std::chrono::steady_clock::duration;

bide::task<int> number_after(duration d, int n) {
    if (d > 0s) co_await bide::sleep_for(d);
    co_return n;
}
bide::task<> nothing_after(duration d) {
    if (d > 0s) co_await bide::sleep_for(d);
}
bide::task<int> fails_after(duration d, std::string why) {
    if (d > 0s) co_await bide::sleep_for(d);
    throw std::runtime_error(why);
}
bide::task<std::unique_ptr<int>> owned(int n) { co_return std::make_unique<int>(n); }
bide::task<int&> referred(int& n) { co_return n; }
bide::task<> fails_without_result() {
    throw std::runtime_error("nothing");
    co_return;
}

TEST(when_all_settled, C5_2_gives_every_outcome_in_order) {
    const bide::testing::virtual_time time;
    const support::unhandled seen;
    bide::with_scope([&](bide::scope& s) {
        auto f = s.start(number_after, 1h, 7);
        bide::wait(bide::yield_now());
        f.stop();
        auto [a, b, c, d] =
            bide::when_all_settled(number_after(2s, 1), fails_after(1s, "x"), f, nothing_after(3s)).wait();
        EXPECT_TRUE(a.has_value());
        EXPECT_EQ(a.value(), 1);
        EXPECT_EQ(a.status(), bide::future_status::succeeded);
        EXPECT_EQ(b.status(), bide::future_status::failed);
        EXPECT_EQ(bide::describe(b.error()), "x");
        EXPECT_THROW(b.value(), std::runtime_error);
        EXPECT_EQ(c.status(), bide::future_status::cancelled);
        EXPECT_THROW(c.value(), bide::cancelled);
        EXPECT_FALSE(c.error());
        d.value();
        EXPECT_TRUE(d);
    });
    EXPECT_EQ(time.elapsed(), 3s);
    EXPECT_TRUE(seen.errors().empty());
}

TEST(when_all_settled, C5_2_of_a_range) {
    const bide::testing::virtual_time time;
    std::vector<bide::task<int>> tasks;
    tasks.push_back(fails_after(2s, "x"));
    tasks.push_back(number_after(1s, 2));
    auto all = bide::when_all_settled(std::move(tasks)).wait();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_FALSE(all[0].has_value());
    EXPECT_EQ(std::move(all[1]).value(), 2);
}

TEST(settled, C5_2_holds_what_void_a_reference_and_a_move_only_type_have_given) {
    int target = 1;
    auto [nothing, reference, only] = bide::when_all_settled(nothing_after(0s), referred(target), owned(3)).wait();
    static_assert(std::is_void_v<decltype(nothing.value())>);
    static_assert(std::is_same_v<decltype(reference.value()), int&>);
    static_assert(std::is_same_v<decltype(std::move(only).value()), std::unique_ptr<int>>);
    nothing.value();
    EXPECT_EQ(nothing.status(), bide::future_status::succeeded);
    EXPECT_EQ(&reference.value(), &target);
    const std::unique_ptr<int> taken = std::move(only).value();
    ASSERT_NE(taken, nullptr);
    EXPECT_EQ(*taken, 3);
}

TEST(settled, C5_2_a_failure_is_thrown_by_every_value_and_is_answered) {
    const support::unhandled seen;
    {
        auto [failed] = bide::when_all_settled(fails_without_result()).wait();
        EXPECT_FALSE(failed);
        EXPECT_FALSE(failed.has_value());
        EXPECT_THROW(failed.value(), std::runtime_error);
        EXPECT_THROW(std::move(failed).value(), std::runtime_error);
        EXPECT_EQ(bide::describe(failed.error()), "nothing");
    }
    auto ignored = bide::when_all_settled(fails_after(0s, "unread")).wait();
    EXPECT_EQ(std::get<0>(ignored).status(), bide::future_status::failed);
    EXPECT_TRUE(seen.errors().empty());
}

TEST(settled, C5_2_a_cancelled_item_keeps_the_reason_of_its_stop) {
    const bide::testing::virtual_time time;
    bide::with_scope([](bide::scope& s) {
        auto f = s.start(number_after, 1h, 1);
        bide::wait(bide::yield_now());
        f.stop();
        auto [item] = bide::when_all_settled(f).wait();
        EXPECT_EQ(item.status(), bide::future_status::cancelled);
        EXPECT_FALSE(item.has_value());
        EXPECT_EQ(item.error(), nullptr);
        try {
            item.value();
            FAIL() << "a cancelled item has no value";
        } catch (const bide::cancelled& c) {
            EXPECT_EQ(c.reason(), bide::stop_reason::user);
        }
    });
}

}  // namespace
