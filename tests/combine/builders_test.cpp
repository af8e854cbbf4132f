// SPDX-License-Identifier: BSL-1.0
#include <bide/builders.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

bide::task<int> later(std::chrono::milliseconds d, int n) {
    co_await bide::sleep_for(d);
    co_return n;
}
bide::task<> fails_after(std::chrono::milliseconds d, std::string what) {
    co_await bide::sleep_for(d);
    throw std::runtime_error(what);
}
std::string blocking(const std::string& text) { return text + "!"; }
bide::task<> note(std::vector<int>& into, int n) {
    into.push_back(n);
    co_return;
}

TEST(builders, C5_4_parallel_gives_a_tuple_in_add_order_and_takes_the_longest) {
    const bide::testing::virtual_time time;
    auto p = bide::parallel().add(later, 300ms, 1).add(later, 100ms, 2).add(later, 200ms, 3);
    EXPECT_EQ(p.wait(), std::make_tuple(1, 2, 3));
    EXPECT_EQ(time.elapsed(), 300ms);
}

TEST(builders, C5_4_serial_takes_the_sum) {
    const bide::testing::virtual_time time;
    auto s = bide::serial().add(later, 300ms, 1).add(later, 100ms, 2);
    EXPECT_EQ(s.wait(), std::make_tuple(1, 2));
    EXPECT_EQ(time.elapsed(), 400ms);
}

TEST(builders, C5_4_blocking_and_async_mix_and_blocking_work_leaves_the_thread) {
    const std::thread::id here = std::this_thread::get_id();
    auto [text, n, other] =
        bide::parallel().add(blocking, "hi").add(later, 1ms, 7).add([] { return std::this_thread::get_id(); }).wait();
    EXPECT_EQ(text, "hi!");
    EXPECT_EQ(n, 7);
    EXPECT_NE(other, here);
}

TEST(builders, C5_4_void_is_monostate) {
    std::vector<int> order;
    const std::tuple<std::monostate, std::monostate> done =
        bide::serial().add(note, std::ref(order), 1).add(note, std::ref(order), 2).wait();
    EXPECT_EQ(done, std::make_tuple(std::monostate(), std::monostate()));
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(builders, C5_4_runs_again_and_is_extended_between_runs) {
    const bide::testing::virtual_time time;
    const auto p = bide::parallel().add(later, 1ms, 1);
    EXPECT_EQ(p.wait(), std::make_tuple(1));
    EXPECT_EQ(p.wait(), std::make_tuple(1));
    const auto q = p.add(later, 1ms, 2);
    EXPECT_EQ(q.wait(), std::make_tuple(1, 2));
    EXPECT_EQ(p.wait(), std::make_tuple(1));
}

bide::task<int> takes_unique(std::unique_ptr<int> n) { co_return *n; }

TEST(builders, C5_4_arguments_that_cannot_be_copied_run_once) {
    auto p = bide::parallel().add(takes_unique, std::make_unique<int>(5));
    EXPECT_EQ(std::move(p).wait(), std::make_tuple(5));
}

TEST(builders, C5_4_parallel_throws_the_first_error_in_time_when_nothing_lives) {
    const bide::testing::virtual_time time;
    int alive = 0;
    struct counted {
        int& n;
        explicit counted(int& c) : n(++c) {}
        ~counted() { --n; }
    };
    auto lives = [&alive]() -> bide::task<> {
        const counted here(alive);
        co_await bide::sleep_for(1h);
    };
    auto p = bide::parallel().add(lives).add(fails_after, 200ms, "second").add(fails_after, 100ms, "first").add(lives);
    try {
        p.wait();
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "first");
    }
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(time.elapsed(), 100ms);
}

TEST(builders, C5_4_serial_stops_at_the_first_error_and_later_ones_never_start) {
    const bide::testing::virtual_time time;
    std::vector<int> order;
    auto s = bide::serial().add(note, std::ref(order), 1).add(fails_after, 1ms, "stop").add(note, std::ref(order), 2);
    EXPECT_THROW(s.wait(), std::runtime_error);
    EXPECT_EQ(order, std::vector<int>{1});
}

TEST(builders, C5_4_they_nest) {
    const bide::testing::virtual_time time;
    auto inner = bide::serial().add(later, 100ms, 1).add(later, 100ms, 2);
    auto p = bide::parallel().add(inner).add(later, 150ms, 3).add(bide::parallel<int>().add(later, 10ms, 4));
    EXPECT_EQ(p.wait(), std::make_tuple(std::make_tuple(1, 2), 3, std::vector<int>{4}));
    EXPECT_EQ(time.elapsed(), 200ms);
}

TEST(builders, C5_4_lists_grow_at_run_time) {
    const bide::testing::virtual_time time;
    auto p = bide::parallel<long>();
    for (int i = 0; i < 10; ++i) p.add(later, 100ms - i * 10ms, i);  // int results, as long
    EXPECT_EQ(p.wait(), (std::vector<long>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(time.elapsed(), 100ms);
    p.add(later, 1ms, 10);
    EXPECT_EQ(p.wait().size(), 11U);
    EXPECT_TRUE(bide::parallel<int>().wait().empty());
    EXPECT_EQ(bide::parallel().wait(), std::tuple<>());

    auto s = bide::serial<void>();
    std::vector<int> order;
    for (int i = 0; i < 3; ++i) s.add(note, std::ref(order), i);
    EXPECT_EQ(s.wait().size(), 3U);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(builders, C5_4_run_is_awaitable_and_stops_with_its_awaiter) {
    const bide::testing::virtual_time time;
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
        auto f = s.start([]() -> bide::task<int> {
            const std::tuple<int, int> both = co_await bide::parallel().add(later, 1ms, 20).add(later, 2ms, 22).run();
            co_return std::get<0>(both) + std::get<1>(both);
        });
        EXPECT_EQ(f.wait(), 42);
        s.start([]() -> bide::task<> {
            co_await bide::parallel().add(later, 1h, 1).add(later, 2h, 2).run();
            ADD_FAILURE() << "was not stopped";
        });
        bide::wait(bide::sleep_for(1ms));
    });
    EXPECT_LT(time.elapsed(), 1h);
}

}  // namespace
