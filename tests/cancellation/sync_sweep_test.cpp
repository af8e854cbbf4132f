// SPDX-License-Identifier: BSL-1.0
//
// Stopped at every point: what tasks of one loop share.
#include "swept.hpp"

#include <bide/bide.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <utility>

namespace swept {
namespace {

using namespace std::chrono_literals;
using bide::scope;
using bide::task;
using bide::testing::sweep_run;

/// In a section that only one is to be in.
struct section {
    int& inside;
    explicit section(int& n) : inside(n) { EXPECT_EQ(++inside, 1); }
    section(const section&) = delete;
    section& operator=(const section&) = delete;
    ~section() { --inside; }
};

template <class Mutex>
void mutexes(tally& t) {
    struct state {
        Mutex m;
        int inside = 0;
        int sections = 0;
    };
    sweep<state>(
        t, kind::alone, 6,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 3; ++i)
                    in.start(
                        [](state& at) -> task<> {
                            for (int round = 0; round < 2; ++round) {
                                auto held = co_await at.m.lock();
                                const section here(at.inside);
                                co_await bide::sleep_for(1s);
                                ++at.sections;
                            }
                        },
                        std::ref(s));
                co_return;
            });
            co_return s.sections;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_FALSE(s.m.locked()) << "point " << run.point;
            EXPECT_EQ(s.inside, 0);
        });
}

void shared_mutexes(tally& t) {
    struct state {
        bide::shared_mutex m;
        int writers = 0;
        int readers = 0;
        int sections = 0;
    };
    sweep<state>(
        t, kind::alone, 5,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                const auto read = [](state& at) -> task<> {
                    auto held = co_await at.m.lock_shared();
                    ++at.readers;
                    EXPECT_EQ(at.writers, 0);
                    struct leave {
                        int& n;
                        ~leave() { --n; }
                    } const end{at.readers};
                    co_await bide::sleep_for(1s);
                    ++at.sections;
                };
                const auto write = [](state& at) -> task<> {
                    auto held = co_await at.m.lock();
                    const section here(at.writers);
                    EXPECT_EQ(at.readers, 0);
                    co_await bide::sleep_for(1s);
                    ++at.sections;
                };
                in.start(read, std::ref(s));
                in.start(read, std::ref(s));
                in.start(write, std::ref(s));
                in.start(read, std::ref(s));
                in.start(write, std::ref(s));
                co_return;
            });
            co_return s.sections;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_TRUE(bool(s.m.try_lock())) << "point " << run.point;
            EXPECT_EQ(s.readers + s.writers, 0);
        });
}

template <class Semaphore>
void semaphores(tally& t) {
    struct state {
        Semaphore places{2};
        int inside = 0;
        int sections = 0;
    };
    sweep<state>(
        t, kind::alone, 4,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 4; ++i)
                    in.start(
                        [](state& at, int n) -> task<> {
                            auto permit = co_await at.places.acquire(n);
                            at.inside += n;
                            EXPECT_LE(at.inside, 2);
                            struct leave {
                                int& sum;
                                int n;
                                ~leave() { sum -= n; }
                            } const end{at.inside, n};
                            co_await bide::sleep_for(1s);
                            ++at.sections;
                        },
                        std::ref(s), i == 2 ? 2 : 1);
                co_return;
            });
            co_return s.sections;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_EQ(s.places.available(), 2) << "point " << run.point;
            EXPECT_EQ(s.inside, 0);
        });
}

template <class Channel, int Capacity>
void channels(tally& t) {
    struct state {
        Channel c{Capacity};
        int sent = 0;
        int received = 0;
    };
    sweep<state>(
        t, kind::alone, 6,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 2; ++i)
                    in.start(
                        [](state& at) -> task<> {
                            while (co_await at.c.receive()) {
                                ++at.received;
                                co_await bide::sleep_for(1s);
                            }
                        },
                        std::ref(s));
                co_await bide::with_scope([&](scope& senders) -> task<> {
                    for (int i = 0; i < 2; ++i)
                        senders.start(
                            [](state& at) -> task<> {
                                for (int n = 0; n < 3; ++n)
                                    if (co_await at.c.send(n)) ++at.sent;
                            },
                            std::ref(s));
                    co_return;
                });
                s.c.close();
            });
            co_return s.received;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_EQ(static_cast<int>(s.c.size()), s.sent - s.received) << "point " << run.point;
        });
}

void conditions(tally& t) {
    struct state {
        bide::mutex m;
        bide::condition changed;
        std::deque<int> queue;
        int put = 0;
        int taken = 0;
    };
    sweep<state>(
        t, kind::alone, 4,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 2; ++i)
                    in.start(
                        [](state& at) -> task<> {
                            for (int n = 0; n < 2; ++n) {
                                auto held = co_await at.m.lock();
                                const auto some = [&at] { return !at.queue.empty(); };
                                co_await at.changed.wait(held, some);
                                EXPECT_TRUE(held.owns_lock());
                                at.queue.pop_front();
                                ++at.taken;
                                co_await bide::yield_now();
                            }
                        },
                        std::ref(s));
                in.start(
                    [](state& at) -> task<> {
                        for (int n = 0; n < 4; ++n) {
                            co_await bide::sleep_for(1s);
                            auto held = co_await at.m.lock();
                            at.queue.push_back(n);
                            ++at.put;
                            at.changed.notify_one();
                        }
                    },
                    std::ref(s));
                co_return;
            });
            co_return s.taken;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_FALSE(s.m.locked()) << "point " << run.point;
            EXPECT_EQ(static_cast<int>(s.queue.size()), s.put - s.taken);
        });
}

void barriers(tally& t) {
    struct state {
        bide::barrier meeting{3};
        int phase[3] = {0, 0, 0};
        int last = 0;
    };
    sweep<state>(
        t, kind::alone, 2,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 3; ++i)
                    in.start(
                        [](state& at, int me) -> task<> {
                            for (int round = 0; round < 2; ++round) {
                                co_await bide::sleep_for(std::chrono::seconds(me + 1));
                                if (co_await at.meeting.arrive_and_wait()) ++at.last;
                                ++at.phase[me];
                                for (const int other : at.phase) EXPECT_LE(other - at.phase[me], 1);
                            }
                        },
                        std::ref(s), i);
                co_return;
            });
            co_return s.last;
        },
        [](state& s, const sweep_run& run) {
            // The stopped arrival has withdrawn: three others meet at the barrier at once.
            int met = 0;
            bide::with_scope([&](scope& in) {
                for (int i = 0; i < 3; ++i)
                    in.start(
                        [](state& at, int& n) -> task<> {
                            static_cast<void>(co_await at.meeting.arrive_and_wait());
                            ++n;
                        },
                        std::ref(s), std::ref(met));
            });
            EXPECT_EQ(met, 3) << "point " << run.point;
        });
}

void events_and_latches(tally& t) {
    struct state {
        bide::event go;
        bide::latch done{3};
        int passed = 0;
        int counted = 0;
    };
    sweep<state>(
        t, kind::alone, 3,
        [](state& s) -> task<int> {
            co_await bide::with_scope([&](scope& in) -> task<> {
                for (int i = 0; i < 3; ++i)
                    in.start(
                        [](state& at) -> task<> {
                            co_await at.go;
                            ++at.passed;
                            co_await bide::yield_now();
                            ++at.counted;
                            at.done.count_down();
                        },
                        std::ref(s));
                co_await bide::sleep_for(1s);
                s.go.set();
                s.go.reset();  // those who wait are woken all the same
                co_await s.done;
            });
            co_return s.passed;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_EQ(s.done.try_wait(), s.counted == 3) << "point " << run.point;
            EXPECT_FALSE(s.go.is_set());
        });
}

void timeouts_at_a_lock(tally& t) {
    struct state {
        bide::mutex m;
        int held = 0;
    };
    sweep<state>(
        t, kind::alone, 101,
        [](state& s) -> task<int> {
            int sum = 0;
            co_await bide::with_scope([&](scope& in) -> task<> {
                in.start(
                    [](state& at) -> task<> {
                        auto own = co_await at.m.lock();
                        const section here(at.held);
                        co_await bide::sleep_for(10s);
                    },
                    std::ref(s));
                co_await bide::yield_now();
                try {
                    auto lost = co_await bide::with_timeout(1s, s.m.lock());
                } catch (const bide::timed_out&) {
                    sum += 1;
                }
                auto own = co_await bide::with_timeout(1min, s.m.lock());
                const section here(s.held);
                if (own.owns_lock()) sum += 100;
            });
            co_return sum;
        },
        [](state& s, const sweep_run& run) {
            EXPECT_FALSE(s.m.locked()) << "point " << run.point;
            EXPECT_EQ(s.held, 0);
        });
}

}  // namespace

std::vector<scenario> of_sync() {
    return {{"mutex", &mutexes<bide::mutex>},
            {"local_mutex", &mutexes<bide::local_mutex>},
            {"shared_mutex", &shared_mutexes},
            {"semaphore", &semaphores<bide::semaphore>},
            {"local_semaphore", &semaphores<bide::local_semaphore>},
            {"channel_of_2", &channels<bide::channel<int>, 2>},
            {"channel_of_0", &channels<bide::channel<int>, 0>},
            {"local_channel_of_1", &channels<bide::local_channel<int>, 1>},
            {"condition", &conditions},
            {"barrier", &barriers},
            {"event_and_latch", &events_and_latches},
            {"timeout_at_a_lock", &timeouts_at_a_lock}};
}

namespace {
class sync_stopped : public testing::TestWithParam<scenario> {};
TEST_P(sync_stopped, C6_1_at_every_point) {
    tally sum;
    GetParam().run(sum);
    EXPECT_EQ(sum.leaked, 0u);
}
INSTANTIATE_TEST_SUITE_P(sweep, sync_stopped, testing::ValuesIn(of_sync()), name_of);
}  // namespace

}  // namespace swept
