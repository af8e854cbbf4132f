// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/latch.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using bide::future_status;

template <class L>
class latches : public testing::Test {};
struct names {
    template <class L>
    static std::string GetName(int) {
        return std::is_same_v<L, bide::latch> ? "latch" : "local_latch";
    }
};
using kinds = testing::Types<bide::latch, bide::local_latch>;
TYPED_TEST_SUITE(latches, kinds, names);

template <class L>
bide::task<> note_after(L& l, std::vector<int>& order, int id) {
    co_await l;
    order.push_back(id);
}

TYPED_TEST(latches, C6_1_opens_when_the_count_is_zero) {
    TypeParam l(2);
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        s.start(note_after<TypeParam>, std::ref(l), std::ref(order), 0);
        s.start(note_after<TypeParam>, std::ref(l), std::ref(order), 1);
        s.start([&]() -> bide::task<> {
            l.count_down();
            EXPECT_FALSE(l.try_wait());
            co_await bide::yield_now();
            EXPECT_TRUE(order.empty());
            l.count_down();
            EXPECT_TRUE(l.try_wait());
        });
    });
    EXPECT_EQ(order, (std::vector{0, 1}));
    l.wait();  // stays open
}

TYPED_TEST(latches, C6_1_arrive_and_wait) {
    TypeParam l(3);
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        for (int id = 0; id < 3; ++id)
            s.start(
                [&](int me) -> bide::task<> {
                    order.push_back(me);
                    co_await l.arrive_and_wait();
                    order.push_back(10 + me);
                },
                id);
    });
    EXPECT_EQ(order, (std::vector{0, 1, 2, 12, 10, 11}));  // the last to arrive did not have to wait
}

TYPED_TEST(latches, C6_1_a_cancelled_waiter_leaves_and_its_arrival_counts) {
    TypeParam l(2);
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> { co_await l.arrive_and_wait(); });
        s.start([&]() -> bide::task<> {
            a.stop();
            co_await bide::yield_now();
            l.count_down();
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_TRUE(l.try_wait());
}

TYPED_TEST(latches, C1_12_a_task_that_is_to_stop_does_not_arrive) {
    TypeParam l(1);
    bide::future<> a;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> {
            a.stop();
            co_await l.arrive_and_wait();
            ADD_FAILURE();
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_FALSE(l.try_wait());
}

TYPED_TEST(latches, C6_1_C18_8_mistakes_are_told) {
    EXPECT_THROW(TypeParam(-1), std::invalid_argument);
    TypeParam l(1);
    EXPECT_THROW(l.count_down(-1), std::invalid_argument);
    EXPECT_THROW((void)l.arrive_and_wait(-1), std::invalid_argument);
    EXPECT_THROW(l.count_down(2), bide::usage_error);
    EXPECT_FALSE(l.try_wait()) << "nothing was counted";
    EXPECT_THROW(l.arrive_and_wait(2).wait(), bide::usage_error);
    EXPECT_FALSE(l.try_wait()) << "nothing was counted";
    l.arrive_and_wait().wait();
    EXPECT_TRUE(l.try_wait());
    TypeParam open(0);
    open.wait();
    open.count_down(0);
    EXPECT_THROW(open.count_down(), bide::usage_error);
}

TEST(latch, C6_3_threads_and_coroutines_meet_and_the_latch_may_go_at_once) {
    for (int round = 0; round < 200; ++round) {
        auto l = std::make_unique<bide::latch>(3);
        std::atomic<int> arrived{0};
        std::thread a([&, &latch = *l] {
            ++arrived;
            latch.count_down();
        });
        std::thread b([&, &latch = *l] {
            bide::with_scope([&](bide::scope& s) {
                for (int i = 0; i < 2; ++i)
                    s.start([&]() -> bide::task<> {
                        ++arrived;
                        latch.count_down();
                        co_return;
                    });
            });
        });
        l->wait();
        EXPECT_EQ(arrived, 3);
        l.reset();  // the thread that counted last may still be in count_down(), and does not touch the latch any more
        a.join();
        b.join();
    }
}

bide::task<> waits_for(bide::latch& l) { co_await l; }

TEST(latch_death, C6_1_C18_7_destroyed_while_it_is_waited_for) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto l = std::make_unique<bide::latch>(1);
            bide::with_scope([&](bide::scope& s) {
                s.start(waits_for, std::ref(*l));
                s.start([&]() -> bide::task<> {
                    l.reset();
                    co_return;
                });
            });
        },
        "bide: latch destroyed while it is waited for, first of all by .*waits_for.*latch_test.cpp");
}

}  // namespace
