// SPDX-License-Identifier: BSL-1.0
#include <bide/task_local.hpp>

#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using duration = std::chrono::steady_clock::duration;
using log_t = std::vector<std::string>;

bide::task<int> number_after(duration d, int n) {
    co_await bide::sleep_for(d);
    co_return n;
}
bide::task<int> ready(int n) { co_return n; }
bide::task<> fails(std::string why) {
    co_await bide::yield_now();
    throw std::runtime_error(why);
}

const bide::task_local<std::string> name_key;
const bide::task_local<int> level_key(7);

bide::task<std::string> seen_name() {
    co_await bide::sleep_for(1ms);
    co_return name_key.get() != nullptr ? *name_key.get() : "none";
}

TEST(task_local, C1_11_C18_5_is_seen_by_everything_below) {
    const bide::testing::virtual_time time;
    log_t log;
    const auto all = [&]() -> bide::task<> {
        log.push_back(co_await seen_name());
        const auto plain = [] { return seen_name().wait(); };
        log.push_back(plain());
        co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {
            auto f = s.start(seen_name);
            log.push_back(co_await f);
        });
        log.push_back(co_await name_key.with_value("inner", seen_name()));
        log.push_back(co_await seen_name());
    };
    EXPECT_EQ(name_key.get(), nullptr);
    name_key.with_value("outer", all()).wait();
    EXPECT_EQ(name_key.get(), nullptr);
    EXPECT_EQ(log, (log_t{"outer", "outer", "outer", "inner", "outer"}));
}

TEST(task_local, C1_11_C18_5_start_inherits_from_its_scope) {
    const bide::testing::virtual_time time;
    std::string seen;
    const auto all = [&]() -> bide::task<> {
        co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {
            const auto starts = [&]() -> bide::task<> {
                auto f = s.start(seen_name);
                seen = co_await f;
            };
            co_await name_key.with_value("inside", starts());
        });
    };
    bide::with_value(name_key, "outside", all()).wait();
    EXPECT_EQ(seen, "outside");
}

TEST(task_local, C1_11_defaults_and_several_keys) {
    const auto both = []() -> bide::task<int> {
        EXPECT_EQ(*name_key.get(), "x");
        co_return *level_key.get();
    };
    EXPECT_EQ(*level_key.get(), 7);
    EXPECT_EQ(name_key.with_value("x", both()).wait(), 7);
    EXPECT_EQ(level_key.with_value(8, name_key.with_value("x", both())).wait(), 8);
}

TEST(task_local, C1_11_stop_deadline_and_failure_pass_through_the_guard) {
    const bide::testing::virtual_time time;
    EXPECT_THROW(bide::with_timeout(1s, level_key.with_value(1, number_after(1h, 1))).wait(), bide::timed_out);
    EXPECT_THROW(level_key.with_value(1, bide::with_timeout(1s, number_after(1h, 1))).wait(), bide::timed_out);
    EXPECT_THROW(level_key.with_value(1, fails("x")).wait(), std::runtime_error);
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(task_local, C18_5_submit_hands_on_nothing) {
    bide::loop other;
    const auto submits = [&]() -> bide::task<bide::future<std::string>> {
        EXPECT_EQ(*name_key.get(), "outside");
        co_return other.submit(seen_name);
    };
    const bide::future<std::string> seen = name_key.with_value("outside", submits()).wait();
    other.run();
    EXPECT_EQ(seen.value(), "none");
}

TEST(task_local, C1_11_C18_5_the_value_dies_with_the_operation) {
    const bide::task_local<std::shared_ptr<int>> key;
    auto value = std::make_shared<int>(1);
    { auto dropped = key.with_value(value, ready(1)); }
    EXPECT_EQ(value.use_count(), 1);
    const auto sees = [&]() -> bide::task<long> { co_return key.get()->use_count(); };
    EXPECT_EQ(key.with_value(value, sees()).wait(), 2);
    EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
