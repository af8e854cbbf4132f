// SPDX-License-Identifier: BSL-1.0
//
// Each leaf spends a credit of its task's turn where it need not wait (1.12, rule L3 of docs/map.md). A leaf that has an
// await_ready of its own, or gives its task back to the executor in a way of its own, is not held to that by
// leaf_awaiter. So every leaf that can complete without waiting has a line here.
#include <bide/call.hpp>
#include <bide/future.hpp>
#include <bide/io/memory_stream.hpp>
#include <bide/io/pipe.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/strand.hpp>
#include <bide/sync/barrier.hpp>
#include <bide/sync/channel.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/latch.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/sync/semaphore.hpp>
#include <bide/sync/shared_mutex.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>

namespace {

using bide::task;

constexpr int rounds = 1000;

/// How often a second task of the loop has had a turn while `loops` ran, which awaits 1000 times what need not wait.
template <class Loops>
int turns_of_another_beside(const Loops& loops) {
    int turns = 0;
    bide::with_scope([&](bide::scope& s) {
        bool over = false;
        s.start([&]() -> task<> {
            co_await loops();
            over = true;
        });
        s.start([&]() -> task<> {
            while (!over) {
                ++turns;
                co_await bide::yield_now();
            }
        });
        s.join().wait();
    });
    return turns;
}
/// One turn each time the credits are used up; and one when the task that awaits `loops` is resumed, through the queue.
constexpr int turns_for(int leaves) { return rounds * leaves / static_cast<int>(bide::detail::credits_per_turn) + 1; }

TEST(leaf, C1_12_an_event_spends_a_credit) {
    bide::event e;
    e.set();
    const auto loops = [&e]() -> task<> {
        for (int i = 0; i < rounds; ++i) co_await e;
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}
TEST(leaf, C1_12_a_latch_spends_a_credit) {
    bide::latch l(0);
    const auto loops = [&l]() -> task<> {
        for (int i = 0; i < rounds; ++i) co_await l;
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}
TEST(leaf, C1_12_a_barrier_spends_a_credit) {
    bide::barrier b(1);
    const auto loops = [&b]() -> task<> {
        for (int i = 0; i < rounds; ++i) co_await b.arrive_and_wait();
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}
TEST(leaf, C1_12_a_semaphore_spends_a_credit) {
    bide::semaphore places(1);
    const auto loops = [&places]() -> task<> {
        for (int i = 0; i < rounds; ++i) auto place = co_await places.acquire();
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}
TEST(leaf, C1_12_a_mutex_spends_a_credit) {
    bide::mutex m;
    const auto loops = [&m]() -> task<> {
        for (int i = 0; i < rounds; ++i) auto held = co_await m.lock();
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
    bide::local_mutex here;
    const auto loops_here = [&here]() -> task<> {
        for (int i = 0; i < rounds; ++i) auto held = co_await here.lock();
    };
    EXPECT_EQ(turns_of_another_beside(loops_here), turns_for(1));
}
TEST(leaf, C1_12_a_shared_mutex_spends_a_credit) {
    bide::shared_mutex m;
    const auto loops = [&m]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            {
                auto shared = co_await m.lock_shared();
            }
            auto held = co_await m.lock();
        }
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(2));
}
TEST(leaf, C1_12_a_channel_spends_a_credit) {
    bide::channel<int> c(1);
    const auto loops = [&c]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            co_await c.send(1);
            static_cast<void>(co_await c.receive());
        }
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(2));
}
TEST(leaf, C1_12_a_future_spends_a_credit) {
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    p.set_value(1);
    const auto loops = [&f]() -> task<> {
        for (int i = 0; i < rounds; ++i) static_cast<void>(co_await f);
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}
TEST(leaf, C1_12_a_join_spends_a_credit) {
    int turns = 0;
    bide::with_scope([&](bide::scope& outer) {
        bool over = false;
        outer.start([&]() -> task<> {
            co_await bide::with_scope([&](bide::scope& s) -> task<> {
                for (int i = 0; i < rounds; ++i) co_await s.join();
            });
            over = true;
        });
        outer.start([&]() -> task<> {
            while (!over) {
                ++turns;
                co_await bide::yield_now();
            }
        });
        outer.join().wait();
    });
    EXPECT_GE(turns, turns_for(1));
}
// Each entry but the first goes through the queue of the strand's base, so that other work of the base has a turn.
TEST(leaf, C1_12_a_strand_gives_others_a_turn) {
    bide::loop l;
    bide::strand s(l);
    int turns = 0;
    bool over = false;
    const auto enters = [&]() -> task<> {
        for (int i = 0; i < rounds; ++i) auto inside = co_await s.enter();
        over = true;
    };
    const auto other = [&]() -> task<> {
        while (!over) {
            ++turns;
            co_await bide::yield_now();
        }
    };
    const auto first = l.submit(enters);
    const auto second = l.submit(other);
    l.run();
    first.value();
    second.value();
    EXPECT_GE(turns, turns_for(1));
}
TEST(leaf, C1_12_resume_on_the_same_executor_spends_a_credit) {
    const auto loops = []() -> task<> {
        for (int i = 0; i < rounds; ++i) co_await bide::resume_on(*bide::detail::current_context()->ex);
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}
TEST(leaf, C1_12_a_memory_stream_spends_a_credit) {
    auto [here, there] = bide::memory_stream::pair();
    auto& out = here;
    auto& in = there;
    std::array<std::byte, 1> byte{};
    const auto loops = [&]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            static_cast<void>(co_await out.write_some(std::span<const std::byte>(byte)));
            static_cast<void>(co_await in.read_some(std::span<std::byte>(byte)));
        }
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(2));
}
// The operations of all sockets, of processes and of signals are one leaf; finish() is the other one.
TEST(leaf, C1_12_a_descriptor_spends_a_credit) {
    auto [reader, writer] = bide::make_pipe();
    auto& out = writer;
    auto& in = reader;
    std::array<std::byte, 1> byte{};
    const auto loops = [&]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            static_cast<void>(co_await out.write_some(std::span<const std::byte>(byte)));
            static_cast<void>(co_await in.read_some(std::span<std::byte>(byte)));
        }
    };
    EXPECT_GE(turns_of_another_beside(loops), turns_for(2));
}
TEST(leaf, C1_12_an_operation_that_never_waits_spends_a_credit) {
    auto [here, there] = bide::memory_stream::pair();
    auto& end = here;
    const auto loops = [&]() -> task<> {
        for (int i = 0; i < rounds; ++i) co_await end.finish();
    };
    EXPECT_EQ(turns_of_another_beside(loops), turns_for(1));
}

}  // namespace
