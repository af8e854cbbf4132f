// SPDX-License-Identifier: BSL-1.0
#include <bide/stop.hpp>

#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

thread_local std::vector<std::string> hooked;

struct hook_guard {
    hook_guard() {
        hooked.clear();
        before = bide::set_unhandled_error_hook(
            [](std::exception_ptr e, const char*) { hooked.push_back(bide::describe(e)); });
    }
    ~hook_guard() { bide::set_unhandled_error_hook(before); }
    bide::unhandled_error_hook before;
};

TEST(stop_source, C6_5_a_request_stays_set_with_its_first_reason) {
    const bide::stop_source source;
    const bide::stop_token token = source.token();
    EXPECT_FALSE(token.stop_requested());
    EXPECT_EQ(token.reason(), bide::stop_reason::none);
    EXPECT_TRUE(source.request_stop(bide::stop_reason::shutdown));
    EXPECT_FALSE(source.request_stop(bide::stop_reason::user));
    EXPECT_TRUE(token.stop_requested());
    EXPECT_TRUE(source.stop_requested());
    EXPECT_EQ(token.reason(), bide::stop_reason::shutdown);
}

TEST(stop_source, C6_5_no_reason_means_the_user) {
    const bide::stop_source source;
    source.request_stop(bide::stop_reason::none);
    EXPECT_EQ(source.token().reason(), bide::stop_reason::user);
}

TEST(stop_token, C6_5_C18_3_outlives_its_source_and_is_empty_by_default) {
    bide::stop_token token;
    EXPECT_FALSE(token.stop_requested());
    {
        const bide::stop_source source;
        const bide::stop_source copy = source;
        token = source.token();
        copy.request_stop();
    }
    EXPECT_TRUE(token.stop_requested());
    bide::stop_source moved_from;
    const bide::stop_source moved_to = std::move(moved_from);
    EXPECT_FALSE(moved_from.request_stop());  // NOLINT(bugprone-use-after-move): defined, and harmless
    EXPECT_FALSE(moved_to.stop_requested());
}

TEST(stop_callback, C6_5_C18_3_are_called_once_in_order_and_late_ones_at_once) {
    const bide::stop_source source;
    std::vector<int> calls;
    const bide::stop_callback first(source.token(), [&] { calls.push_back(1); });
    const bide::stop_callback second(source.token(), [&] { calls.push_back(2); });
    {
        const bide::stop_callback gone(source.token(), [&] { calls.push_back(99); });
    }
    const bide::stop_callback never(bide::stop_token(), [&] { calls.push_back(98); });
    source.request_stop();
    source.request_stop();
    EXPECT_EQ(calls, (std::vector{1, 2}));
    const bide::stop_callback late(source.token(), [&] { calls.push_back(3); });
    EXPECT_EQ(calls, (std::vector{1, 2, 3}));
}

TEST(stop_callback, C6_5_C18_3_one_that_throws_goes_to_the_hook_and_does_not_stop_the_next) {
    const hook_guard hook;
    const bide::stop_source source;
    bool second = false;
    const bide::stop_callback throwing(source.token(), [] { throw std::runtime_error("callback"); });
    const bide::stop_callback next(source.token(), [&] { second = true; });
    source.request_stop();
    EXPECT_TRUE(second);
    ASSERT_EQ(hooked.size(), 1U);
    EXPECT_NE(hooked[0].find("callback"), std::string::npos);
}

TEST(stop_callback, C6_5_may_destroy_itself_and_the_next_and_the_source) {
    auto source = std::make_unique<bide::stop_source>();
    struct box {
        std::optional<bide::stop_callback<std::function<void()>>> a;
        std::optional<bide::stop_callback<std::function<void()>>> b;
    };
    box all;
    bool b_ran = false;
    all.a.emplace(source->token(), std::function<void()>([&] {
                      all.b.reset();
                      source.reset();
                      all.a.reset();
                  }));
    all.b.emplace(source->token(), std::function<void()>([&] { b_ran = true; }));
    source->request_stop();
    EXPECT_FALSE(b_ran);
    EXPECT_FALSE(all.a.has_value());
}

TEST(stop_callback, C6_5_C18_3_runs_outside_all_locks) {
    // A callback may use the source, register others and stop a child of the same tree.
    const bide::stop_source source;
    const bide::stop_source other;
    int nested = 0;
    const bide::stop_callback outer(source.token(), [&] {
        const bide::stop_callback inner(other.token(), [&] { ++nested; });
        other.request_stop();
        const bide::stop_callback late(source.token(), [&] { ++nested; });
    });
    source.request_stop();
    EXPECT_EQ(nested, 2);
}

TEST(stop_callback, C6_5_C18_3_the_destructor_waits_for_one_that_runs_on_another_thread) {
    for (int round = 0; round < 50; ++round) {
        const bide::stop_source source;
        std::latch inside(1);
        std::latch go_on(1);
        std::atomic<bool> ended{false};
        auto callback = std::make_unique<bide::stop_callback<std::function<void()>>>(source.token(), [&] {
            inside.count_down();
            go_on.wait();
            ended = true;
        });
        std::thread requester([&] { source.request_stop(); });
        inside.wait();
        std::thread helper([&] { go_on.count_down(); });
        callback.reset();
        EXPECT_TRUE(ended);
        requester.join();
        helper.join();
    }
}

// A callback is being taken over by the requester while its destructor runs: it runs before the destructor has
// returned, or not at all.
TEST(stop_callback, C6_5_a_request_races_with_the_destructors) {
    for (int round = 0; round < 2000; ++round) {
        const bide::stop_source source;
        struct guarded {
            std::atomic<bool> alive{true};
            std::atomic<bool> called_late{false};
        };
        std::array<guarded, 4> state;
        std::latch both(2);
        std::thread requester([&] {
            both.arrive_and_wait();
            source.request_stop();
        });
        {
            const auto make = [&](int i) {
                guarded& g = state[static_cast<std::size_t>(i)];
                return std::make_unique<bide::stop_callback<std::function<void()>>>(
                    source.token(), std::function<void()>([&g] { g.called_late = !g.alive; }));
            };
            std::array all{make(0), make(1), make(2), make(3)};
            both.arrive_and_wait();
            for (std::size_t i = 0; i < all.size(); ++i) {
                all[i].reset();
                state[i].alive = false;
            }
        }
        requester.join();
        for (const guarded& g : state) EXPECT_FALSE(g.called_late);
    }
}

// ---- the code that runs now -----------------------------------------------------------------------------------------

bide::task<> notes_why(std::vector<bide::stop_reason>& seen, int& calls) {
    EXPECT_FALSE(bide::stop_requested());
    const bide::stop_callback told([&] { ++calls; });
    struct at_end {
        std::vector<bide::stop_reason>& seen;
        ~at_end() { seen.push_back(bide::why_stopped()); }
    } const end{seen};
    co_await bide::sleep_for(1h);
}

TEST(stop_requested, C6_5_C18_3_plain_code_was_not_asked) {
    EXPECT_FALSE(bide::stop_requested());
    EXPECT_EQ(bide::why_stopped(), bide::stop_reason::none);
    bool called = false;
    {
        const bide::stop_callback none([&] { called = true; });
    }
    EXPECT_FALSE(called);
}

TEST(stop_requested, C6_5_a_task_knows_the_reason_and_is_told) {
    const bide::testing::virtual_time time;
    std::vector<bide::stop_reason> seen;
    int calls = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start(notes_why, std::ref(seen), std::ref(calls));
        auto second = s.start(notes_why, std::ref(seen), std::ref(calls));
        bide::sleep_for(1s).wait();
        second.stop();
        bide::sleep_for(1s).wait();
        s.stop(bide::stop_reason::shutdown);
    });
    EXPECT_EQ(seen, (std::vector{bide::stop_reason::user, bide::stop_reason::shutdown}));
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(time.elapsed(), 2s);
}

TEST(stop_requested, C6_5_code_that_computes_asks_by_itself) {
    const bide::testing::virtual_time time;
    int blocks = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            while (!bide::stop_requested()) {
                if (++blocks == 3) s.stop();
            }
            co_return;
        });
    });
    EXPECT_EQ(blocks, 3);
}

}  // namespace
