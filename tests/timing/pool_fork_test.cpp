// SPDX-License-Identifier: BSL-1.0
//
// How long a fork may be hidden on a worker that computes, in real time. These need the machine for
// themselves: ./run timing is a cell of its own, and ctest runs nothing beside one of them.
#include <bide/bide.hpp>
#include <bide/pool.hpp>

#include "support/threads.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

void blocks_outside(std::chrono::milliseconds d) { std::this_thread::sleep_for(d); }  // a computation, to the pool
bide::task<> leaf_of(std::chrono::milliseconds d) {
    blocks_outside(d);
    co_return;
}
bide::task<> eight_at_once(std::chrono::milliseconds d) {
    co_await bide::when_all(leaf_of(d), leaf_of(d), leaf_of(d), leaf_of(d), leaf_of(d), leaf_of(d), leaf_of(d),
                            leaf_of(d));
}
bide::task<> eight_by_halves(int depth, std::chrono::milliseconds d) {
    if (depth == 0)
        co_await leaf_of(d);
    else
        co_await bide::when_all(eight_by_halves(depth - 1, d), eight_by_halves(depth - 1, d));
}

// Five is what it takes when one of them is not given away in time.
TEST(pool_fork_timing, C10_2_eight_leaves_of_a_second_take_two_workers_four) {
    bide::pool flat(2);
    bide::pool halved(2);
    const auto begun = std::chrono::steady_clock::now();
    const auto a = flat.submit(eight_at_once, 1000ms);
    const auto b = halved.submit(eight_by_halves, 3, 1000ms);
    bide::when_all(a, b).wait();
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(took, 4s);
    EXPECT_LT(took, 4900ms);
}

using ns = std::chrono::nanoseconds;
struct moment {
    std::atomic<std::int64_t> at{0};
    void now() { at = std::chrono::steady_clock::now().time_since_epoch().count(); }
};
bide::task<> computes_till(moment& forked, support::arrivals& there) {
    forked.now();
    there.await(1);
    co_return;
}
bide::task<> begins(moment& begun, support::arrivals& there) {
    begun.now();
    there.arrive();
    co_return;
}
bide::task<> one_hidden(moment& forked, moment& begun, support::arrivals& there) {
    co_await bide::when_all(computes_till(forked, there), begins(begun, there));
}

// The machine may be busy with other things: what the quickest quarter takes is what the pool takes.
TEST(pool_fork_timing, C10_2_an_idle_worker_has_a_hidden_fork_within_five_milliseconds) {
    bide::pool p(2);
    std::vector<ns> took;
    for (int round = 0; round < 40; ++round) {
        ASSERT_TRUE(support::comes_true([&] { return p.counts().idle == 2; }));
        moment forked;
        moment begun;
        support::arrivals there;
        p.submit(one_hidden, std::ref(forked), std::ref(begun), std::ref(there)).wait();
        took.emplace_back(begun.at - forked.at);
    }
    std::sort(took.begin(), took.end());
    EXPECT_LT(took[took.size() / 4], 5ms);
}

}  // namespace
