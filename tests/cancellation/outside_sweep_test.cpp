// SPDX-License-Identifier: BSL-1.0
//
// Stopped at every point: tasks that wait for threads, other loops, strands and sockets.
#include "swept.hpp"

#include "support/lives.hpp"

#include <bide/bide.hpp>
#include <bide/io/tcp.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace swept {
namespace {

using namespace std::chrono_literals;
using bide::future_status;
using bide::scope;
using bide::task;
using bide::testing::sweep_run;
using support::counted;

struct state {
    support::life_count count;
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
};
const auto all_died = [](state& s, const sweep_run& run) {
    EXPECT_EQ(s.count.alive, 0) << "point " << run.point;
    EXPECT_EQ(s.begun, s.ended);
};

int block_shortly(state& s, counted, int value) {
    ++s.begun;
    ++s.ended;
    return value;
}

void joined_jobs(tally& t) {
    sweep<state>(
        t, kind::threads, 3,
        [](state& s) -> task<int> {
            int sum = 0;
            for (int i = 1; i <= 2; ++i) {
                sum += co_await bide::run(block_shortly, std::ref(s), counted(s.count), i);
                EXPECT_EQ(s.begun, s.ended);
            }
            co_return sum;
        },
        all_died);
}

void jobs_with_futures(tally& t) {
    sweep<state>(
        t, kind::threads, 6,
        [](state& s) -> task<int> {
            auto a = bide::to_thread(block_shortly, std::ref(s), counted(s.count), 1);
            auto b = bide::to_thread(
                [](state& at, counted) -> task<int> {  // driven on its thread
                    ++at.begun;
                    co_await bide::yield_now();
                    ++at.ended;
                    co_return 2;
                },
                std::ref(s), counted(s.count));
            int sum = co_await a + co_await b;
            sum += (co_await bide::to_thread(block_shortly, std::ref(s), counted(s.count), 3));
            co_return sum;
        },
        [](state& s, const sweep_run& run) {
            bide::shutdown();  // a job that was only observed goes on
            EXPECT_EQ(s.count.alive, 0) << "point " << run.point;
            if (run.how == future_status::succeeded) {
                EXPECT_EQ(s.ended, 3);
            }
        });
}

void compositions(tally& t) {
    sweep<state>(
        t, kind::threads, 15,
        [](state& s) -> task<int> {
            auto steps = [](state& at, counted, int value) -> task<int> {
                ++at.begun;
                struct end {
                    state& at;
                    ~end() { ++at.ended; }
                } const last{at};
                co_await bide::sleep_for(1s);
                co_return value;
            };
            auto both = bide::parallel()
                            .add(block_shortly, std::ref(s), counted(s.count), 1)
                            .add(steps, std::ref(s), counted(s.count), 2);
            auto all = bide::serial()
                           .add(both)
                           .add(steps, std::ref(s), counted(s.count), 4)
                           .add(block_shortly, std::ref(s), counted(s.count), 8);
            auto [first, four, eight] = co_await all.run();
            co_return std::get<0>(first) + std::get<1>(first) + four + eight;
        },
        all_died);
}

void strands(tally& t) {
    sweep<state>(
        t, kind::threads, 6,
        [](state& s) -> task<int> {
            bide::strand one;  // on the background loop
            int count = 0;     // the strand's
            int sum = 0;
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 2; ++i)
                    in.start(
                        [](bide::strand& at, int& n, counted) -> task<> {
                            auto inside = co_await at.enter();
                            const int before = n;
                            co_await bide::yield_now();  // leaves and comes back
                            n = n + 1;
                            EXPECT_GT(n, before);
                        },
                        std::ref(one), std::ref(count), counted(s.count));
                auto f = one.submit(
                    [](int& n, counted) -> task<int> {
                        co_await bide::yield_now();
                        n = n + 1;
                        co_return 3;
                    },
                    std::ref(count), counted(s.count));
                sum = co_await f;
                sum += co_await one.run([](int& n) -> int { return n > 0 ? 3 : 100; }, std::ref(count));
            });
            co_return sum;
        },
        all_died);
}

void loop_threads(tally& t) {
    sweep<state>(
        t, kind::threads, 16,
        [](state& s) -> task<int> {
            bide::loop_thread worker;
            worker.start();
            auto work = [](state& at, counted, int value) -> task<int> {
                ++at.begun;
                struct end {
                    state& at;
                    ~end() { ++at.ended; }
                } const last{at};
                co_await bide::yield_now();
                co_return value;
            };
            auto a = worker.submit(work, std::ref(s), counted(s.count), 1);
            auto b = worker.submit(work, std::ref(s), counted(s.count), 2);
            int sum = co_await a + co_await b;
            sum += co_await worker.call([] { return 3; });
            co_await bide::with_scope({.on = &worker.get_executor()}, [&](scope& in) -> task<> {
                auto c = in.start(work, std::ref(s), counted(s.count), 10);
                sum += co_await c;
            });
            co_return sum;  // the destructor stops what is left
        },
        all_died);
}

void moves(tally& t) {
    sweep<state>(
        t, kind::threads, 2,
        [](state& s) -> task<int> {
            bide::loop_thread worker;
            worker.start();
            auto there = [](state& at, bide::loop_thread& to, counted) -> task<int> {
                ++at.begun;
                struct end {
                    state& at;
                    ~end() { ++at.ended; }
                } const last{at};
                co_await bide::resume_on(to.get_executor());
                co_await bide::yield_now();
                co_return 1;
            };
            auto first = there(s, worker, counted(s.count));
            int sum = co_await std::move(first);
            co_await bide::yield_now();
            auto second = there(s, worker, counted(s.count));
            sum += co_await std::move(second);
            co_return sum;
        },
        all_died);
}

void channel_between_loops(tally& t) {
    struct shared : state {
        bide::channel<int> c{1};
        std::atomic<int> sent{0};
        int received = 0;
    };
    sweep<shared>(
        t, kind::threads, 3,
        [](shared& s) -> task<int> {
            bide::loop_thread worker;
            worker.start();
            auto sending = worker.submit(
                [](shared& at, counted) -> task<> {
                    for (int i = 0; i < 3; ++i)
                        if (co_await at.c.send(i)) ++at.sent;
                    at.c.close();
                },
                std::ref(s), counted(s.count));
            while (co_await s.c.receive()) ++s.received;
            co_await sending;
            co_return s.received;
        },
        [](shared& s, const sweep_run& run) {
            EXPECT_EQ(static_cast<int>(s.c.size()), s.sent - s.received) << "point " << run.point;
            EXPECT_EQ(s.count.alive, 0);
        });
}

void tcp_echo(tally& t) {
    sweep<state>(
        t, kind::real, 12,
        [](state& s) -> task<int> {
            auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
            int echoed = 0;
            co_await bide::with_scope([&](scope& in) -> task<> {
                in.start(
                    [](bide::tcp_listener& l, counted) -> task<> {
                        for (int i = 0; i < 2; ++i) {
                            auto peer = co_await l.accept();
                            std::array<std::byte, 16> buffer{};
                            while (const std::size_t n = co_await peer.read_some(buffer))
                                co_await peer.write_all(std::span(buffer).first(n));
                        }
                    },
                    std::ref(at), counted(s.count));
                for (int i = 0; i < 2; ++i) {
                    auto to = co_await bide::tcp_stream::connect(at.endpoint());
                    std::array<std::byte, 3> mine{};
                    for (int round = 0; round < 2; ++round) {
                        mine.fill(static_cast<std::byte>(round));
                        co_await to.write_all(std::span<const std::byte>(mine));
                        std::array<std::byte, 3> back{};
                        co_await to.read_exactly(back);
                        if (back == mine) echoed += 3;
                    }
                }
            });
            co_return echoed;
        },
        all_died);
}

}  // namespace

std::vector<scenario> of_the_outside() {
    return {{"joined_jobs", &joined_jobs},
            {"jobs_with_futures", &jobs_with_futures},
            {"compositions", &compositions},
            {"strands", &strands},
            {"loop_threads", &loop_threads},
            {"moves", &moves},
            {"channel_between_loops", &channel_between_loops},
            {"tcp_echo", &tcp_echo}};
}

namespace {
class outside_stopped : public testing::TestWithParam<scenario> {};
TEST_P(outside_stopped, C4_6_C7_4_at_every_point) {
    tally sum;
    GetParam().run(sum);
    EXPECT_EQ(sum.leaked, 0u);
}
INSTANTIATE_TEST_SUITE_P(sweep, outside_stopped, testing::ValuesIn(of_the_outside()), name_of);
}  // namespace

}  // namespace swept
