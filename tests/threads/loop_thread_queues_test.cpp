// SPDX-License-Identifier: BSL-1.0
//
// A loop_thread and the world around it: queues between threads and the loop, the ways to wait for several of its
// results (7.7), and work of both kinds that overlaps (5.5).
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::task;

TEST(loop_thread_queues, C7_7_a_channel_carries_from_threads_to_the_loop_and_back) {
    const support::watchdog here;
    bide::loop_thread worker;
    worker.start();
    bide::channel<int> in(4);
    bide::channel<std::string> out(2);
    auto turns = worker.submit(
        [](bide::channel<int>& from, bide::channel<std::string>& to) -> task<int> {
            int n = 0;
            while (auto v = co_await from.receive()) {
                co_await to.send(std::to_string(*v));
                ++n;
            }
            to.close();
            co_return n;
        },
        std::ref(in), std::ref(out));
    constexpr int each = 200;
    std::vector<std::thread> threads;
    std::atomic<int> left{2};
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) EXPECT_TRUE(in.send(t * each + i).wait());
            if (--left == 0) in.close();
        });
    std::vector<int> seen;
    while (auto text = out.receive().wait()) seen.push_back(std::stoi(*text));
    for (auto& t : threads) t.join();
    EXPECT_EQ(turns.wait(), 2 * each);
    // Nothing is lost or doubled, and each thread's values come in its order.
    int next[2] = {0, each};
    for (const int v : seen) EXPECT_EQ(v, next[v / each]++);
    EXPECT_EQ(seen.size(), 2U * each);
}

TEST(loop_thread_queues, C7_7_a_stopped_loop_lets_the_thread_at_its_queue_go) {
    const support::watchdog here;
    bide::loop_thread worker;
    worker.start();
    bide::channel<int> c(1);
    worker.submit(
        [](bide::channel<int>& to) -> task<> {
            struct closes {
                bide::channel<int>& c;
                ~closes() { c.close(); }
            } const at_the_end{to};
            for (int i = 0;; ++i) co_await to.send(i);
        },
        std::ref(c));
    EXPECT_EQ(c.receive().wait(), 0);
    EXPECT_EQ(c.receive().wait(), 1);
    std::thread stops([&] { worker.shutdown(); });
    int n = 2;
    while (auto v = c.receive().wait()) EXPECT_EQ(*v, n++);  // what was queued arrives, then the end
    stops.join();
}

/// Results of a loop thread, completed by the test.
struct given {
    bide::event go[3];
    bide::loop_thread worker;  // ends before the events that its tasks wait for
    bide::future<int> f[3];
    explicit given(int failing = -1) {
        worker.start();
        for (int i = 0; i < 3; ++i)
            f[i] = worker.submit(
                [](bide::event& e, int n, bool fails) -> task<int> {
                    co_await e;
                    if (fails) throw std::runtime_error("number " + std::to_string(n));
                    co_return n;
                },
                std::ref(go[i]), i, i == failing);
    }
};

TEST(loop_thread_queues, C7_7_the_first_to_complete_is_race) {
    const support::watchdog here;
    given g;
    g.go[1].set();
    EXPECT_EQ(bide::race(g.f[0], g.f[1], g.f[2]).wait(), 1);
    EXPECT_EQ(g.f[0].status(), future_status::pending);  // a future is left alone
    given h(2);
    h.go[2].set();
    EXPECT_THROW(static_cast<void>(bide::race(h.f[0], h.f[1], h.f[2]).wait()), std::runtime_error);
}

TEST(loop_thread_queues, C7_7_the_first_that_succeeds_is_first_success) {
    const support::watchdog here;
    given g(0);
    g.go[0].set();
    EXPECT_THROW(g.f[0].wait(), std::runtime_error);
    g.go[2].set();
    EXPECT_EQ(bide::first_success(g.f[0], g.f[1], g.f[2]).wait(), 2);
    EXPECT_EQ(g.f[1].status(), future_status::pending);
}

TEST(loop_thread_queues, C7_7_the_first_that_fails_or_all_is_when_all) {
    const support::watchdog here;
    given g(1);
    g.go[1].set();
    EXPECT_THROW(static_cast<void>(bide::when_all(g.f[0], g.f[1], g.f[2]).wait()), std::runtime_error);
    EXPECT_EQ(g.f[0].status(), future_status::pending);  // the wait did not wait for the others
    given all;
    for (auto& e : all.go) e.set();
    EXPECT_EQ(bide::when_all(all.f[0], all.f[1], all.f[2]).wait(), std::make_tuple(0, 1, 2));
}

TEST(loop_thread_queues, C7_7_all_whatever_became_of_them_is_when_all_settled) {
    const support::watchdog here;
    given g(1);
    g.go[0].set();
    g.go[1].set();
    g.f[2].stop();
    const std::vector<bide::future<int>> all(std::begin(g.f), std::end(g.f));
    const auto ended = bide::when_all_settled(all).wait();
    ASSERT_EQ(ended.size(), 3U);
    EXPECT_EQ(ended[0].value(), 0);
    EXPECT_EQ(ended[1].status(), future_status::failed);
    EXPECT_EQ(ended[2].status(), future_status::cancelled);
}

// The request ends only while the computation runs, and the computation only when the request has ended: one after the
// other they would never end, whatever the clock says.
TEST(overlap, C5_5_a_request_and_a_computation_go_on_at_the_same_time) {
    const support::watchdog here;
    struct both {
        bide::event computing;
        std::atomic<bool> answered{false};
    } b;
    const auto request = [](both& at) -> task<int> {
        co_await at.computing;
        at.answered = true;
        co_return 200;
    };
    const auto compute = [](both& at) -> long {
        at.computing.set();
        long steps = 1;
        while (!at.answered) ++steps;
        return steps;
    };
    {
        auto r = request(b);
        const auto [status, steps] = bide::when_all(std::move(r), bide::to_thread(compute, std::ref(b))).wait();
        EXPECT_EQ(status, 200);
        EXPECT_GT(steps, 0);
    }
    b.computing.reset();
    b.answered = false;
    const auto [status, steps] = bide::parallel().add(request, std::ref(b)).add(compute, std::ref(b)).wait();
    EXPECT_EQ(status, 200);
    EXPECT_GT(steps, 0);
}

TEST(overlap, C5_5_together_takes_the_longer_not_the_sum) {
    const bide::testing::virtual_time time;
    const auto takes = [](std::chrono::seconds d) -> task<int> {
        co_await bide::sleep_for(d);
        co_return static_cast<int>(d.count());
    };
    EXPECT_EQ(bide::when_all(takes(250s), takes(240s), bide::to_thread([] { return 1; })).wait(),
              std::make_tuple(250, 240, 1));
    EXPECT_EQ(time.elapsed(), 250s);
    const auto begin = time.now();
    bide::serial().add(takes, 250s).add(takes, 240s).wait();
    EXPECT_EQ(time.now() - begin, 490s);
}

}  // namespace
