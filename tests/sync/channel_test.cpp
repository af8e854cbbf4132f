// SPDX-License-Identifier: BSL-1.0
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/sync/channel.hpp>
#include <bide/sync/event.hpp>
#include <bide/time.hpp>

#include "support/linearizable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::future_status;

template <template <class> class C>
struct kind {
    template <class T>
    using channel = C<T>;
};
using shared_kind = kind<bide::channel>;
using local_kind = kind<bide::local_channel>;
template <class K>
class channels : public testing::Test {};
struct names {
    template <class K>
    static std::string GetName(int) {
        return std::is_same_v<K, shared_kind> ? "channel" : "local_channel";
    }
};
using kinds = testing::Types<shared_kind, local_kind>;
TYPED_TEST_SUITE(channels, kinds, names);

template <class C>
bide::task<> send_all(C& c, int from, int to, std::vector<std::string>* log = nullptr) {
    for (int i = from; i < to; ++i) {
        const bool sent = co_await c.send(int{i});
        EXPECT_TRUE(sent);
        if (log != nullptr) log->push_back("sent " + std::to_string(i));
    }
}
template <class C>
bide::task<> receive_all(C& c, std::vector<int>& into) {
    while (std::optional<int> v = co_await c.receive()) into.push_back(*v);
}

TYPED_TEST(channels, C6_2_first_in_first_out_and_bounded) {
    typename TypeParam::template channel<int> c(2);
    std::vector<std::string> log;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await send_all(c, 0, 5, &log);
            c.close();
        });
        s.start([&]() -> bide::task<> {
            EXPECT_EQ(log, (std::vector<std::string>{"sent 0", "sent 1"}));  // the third send waits
            EXPECT_EQ(c.size(), 2U);
            while (std::optional<int> v = co_await c.receive()) log.push_back("got " + std::to_string(*v));
        });
    });
    std::vector<std::string> got;
    for (const auto& l : log)
        if (l.starts_with("got")) got.push_back(l);
    EXPECT_EQ(got, (std::vector<std::string>{"got 0", "got 1", "got 2", "got 3", "got 4"}));
    EXPECT_EQ(c.capacity(), 2U);
}

TYPED_TEST(channels, C6_2_waiting_senders_and_receivers_are_served_in_order) {
    typename TypeParam::template channel<int> c(1);
    std::vector<int> got;
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 4; ++i) s.start([&](int v) -> bide::task<> { EXPECT_TRUE(co_await c.send(int{v})); }, i);
        s.start([&]() -> bide::task<> {
            for (int i = 0; i < 4; ++i) got.push_back(*co_await c.receive());
        });
    });
    EXPECT_EQ(got, (std::vector{0, 1, 2, 3}));

    std::vector<std::pair<int, int>> who_got_what;
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 3; ++i)
            s.start(
                [&](int me) -> bide::task<> {
                    const std::optional<int> v = co_await c.receive();
                    who_got_what.emplace_back(me, *v);
                },
                i);
        s.start([&]() -> bide::task<> { co_await send_all(c, 10, 13); });
    });
    EXPECT_EQ(who_got_what, (std::vector<std::pair<int, int>>{{0, 10}, {1, 11}, {2, 12}}));
}

TYPED_TEST(channels, C6_2_C18_8_capacity_0_hands_over_from_hand_to_hand) {
    typename TypeParam::template channel<int> c(0);
    std::vector<std::string> log;
    EXPECT_FALSE(c.try_send(7));
    EXPECT_FALSE(c.try_receive());
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            co_await send_all(c, 0, 2, &log);
            c.close();
        });
        s.start([&]() -> bide::task<> {
            co_await bide::yield_now();
            EXPECT_TRUE(log.empty());
            log.push_back("got " + std::to_string(*co_await c.receive()));  // the sender waits
            log.push_back("got " + std::to_string(*co_await c.receive()));  // the receiver waits
            EXPECT_FALSE(co_await c.receive());
        });
    });
    EXPECT_EQ(log, (std::vector<std::string>{"got 0", "sent 0", "sent 1", "got 1"}));
}

TYPED_TEST(channels, C6_2_a_refused_send_leaves_the_value_with_the_caller) {
    typename TypeParam::template channel<std::unique_ptr<int>> c(1);
    auto a = std::make_unique<int>(1);
    auto b = std::make_unique<int>(2);
    EXPECT_TRUE(c.try_send(std::move(a)));
    EXPECT_EQ(a, nullptr);  // NOLINT(bugprone-use-after-move): that is the point, here and below
    EXPECT_FALSE(c.try_send(std::move(b)));
    ASSERT_NE(b, nullptr);
    c.close();
    EXPECT_FALSE(c.send(std::move(b)).wait());
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(*b, 2);
    EXPECT_EQ(**c.receive().wait(), 1) << "what is queued can still be received";
    EXPECT_FALSE(c.receive().wait());
    EXPECT_FALSE(c.try_receive());
}

TYPED_TEST(channels, C6_2_a_cancelled_send_leaves_the_value_with_the_caller) {
    typename TypeParam::template channel<std::unique_ptr<int>> c(1);
    auto first = std::make_unique<int>(1);
    auto value = std::make_unique<int>(2);  // outlives the cancelled task
    ASSERT_TRUE(c.try_send(std::move(first)));
    bide::future<> sender;
    bide::with_scope([&](bide::scope& s) {
        sender = s.start([&]() -> bide::task<> { (void)co_await c.send(std::move(value)); });
        s.start([&]() -> bide::task<> {
            sender.stop();
            EXPECT_EQ(**c.try_receive(), 1);  // the stopped sender is still in the list, but its value is not taken
            EXPECT_FALSE(c.try_receive());
            co_return;
        });
    });
    EXPECT_EQ(sender.status(), future_status::cancelled);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(*value, 2);
}

TYPED_TEST(channels, C6_2_a_cancelled_receiver_takes_nothing_and_one_that_has_its_value_keeps_it) {
    typename TypeParam::template channel<int> c(1);
    std::vector<std::string> log;
    std::vector<bide::future<>> tasks;
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 3; ++i)
            tasks.push_back(s.start(
                [&](int me) -> bide::task<> {
                    const std::optional<int> v = co_await c.receive();
                    log.push_back(std::to_string(me) + " got " + std::to_string(*v));
                },
                i));
        s.start([&]() -> bide::task<> {
            tasks[0].stop();
            EXPECT_TRUE(c.try_send(5));  // to the second
            EXPECT_TRUE(c.try_send(6));  // to the third
            tasks[1].stop();             // task 1 has its value, but has not run yet
            co_return;
        });
    });
    EXPECT_EQ(tasks[0].status(), future_status::cancelled);
    EXPECT_EQ(log, (std::vector<std::string>{"1 got 5", "2 got 6"}));
}

TYPED_TEST(channels, C6_2_close_wakes_all_and_is_harmless_twice) {
    typename TypeParam::template channel<int> full(1);
    typename TypeParam::template channel<int> empty(1);
    ASSERT_TRUE(full.try_send(1));
    std::vector<std::string> log;
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 2; ++i) {
            s.start([&]() -> bide::task<> {
                int v = 2;
                EXPECT_FALSE(co_await full.send(std::move(v)));
                log.emplace_back("sender");
            });
            s.start([&]() -> bide::task<> {
                EXPECT_FALSE(co_await empty.receive());
                log.emplace_back("receiver");
            });
        }
        s.start([&]() -> bide::task<> {
            full.close();
            full.close();
            empty.close();
            empty.close();
            EXPECT_TRUE(full.closed());
            EXPECT_FALSE(full.try_send(3));
            co_return;
        });
    });
    EXPECT_EQ(log, (std::vector<std::string>{"sender", "sender", "receiver", "receiver"}));
    EXPECT_EQ(full.receive().wait(), 1);
    EXPECT_EQ(full.receive().wait(), std::nullopt);
}

TYPED_TEST(channels, C6_2_sends_copies_of_what_stays) {
    typename TypeParam::template channel<std::string> c(4);
    const std::string text = "a text that is long enough to be on the heap";
    std::string other = text;
    EXPECT_TRUE(c.send(text).wait());
    EXPECT_TRUE(c.send(other).wait());
    EXPECT_TRUE(c.try_send(other));
    EXPECT_TRUE(c.send("a temporary").wait());
    EXPECT_EQ(other, text);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.receive().wait(), text);
    EXPECT_EQ(c.receive().wait(), "a temporary");
}

struct counted {  // not default-constructible, move-only
    explicit counted(int& c) noexcept : count(&c) { ++*count; }
    counted(counted&& o) noexcept : count(o.count) { ++*count; }
    counted& operator=(counted&&) = delete;
    ~counted() { --*count; }
    int* count;
};

TYPED_TEST(channels, C6_2_C18_8_what_is_queued_dies_with_the_channel) {
    int alive = 0;
    {
        typename TypeParam::template channel<counted> c(3);
        for (int i = 0; i < 5; ++i) {  // round the ring
            EXPECT_TRUE(c.send(counted(alive)).wait());
            if (i < 3) {
                EXPECT_TRUE(c.receive().wait());
            }
        }
        EXPECT_EQ(c.size(), 2U);
        EXPECT_EQ(alive, 2);
    }
    EXPECT_EQ(alive, 0);
}

TYPED_TEST(channels, C6_2_C18_8_a_capacity_that_cannot_be_had_is_told) {
    using chan = typename TypeParam::template channel<long>;
    EXPECT_THROW(chan(std::size_t(-1)), std::bad_alloc);  // bad_array_new_length
}

TYPED_TEST(channels, C1_12_a_task_that_is_to_stop_neither_sends_nor_receives) {
    typename TypeParam::template channel<int> c(4);
    ASSERT_TRUE(c.try_send(1));
    bide::future<> a;
    bide::future<> b;
    bide::with_scope([&](bide::scope& s) {
        a = s.start([&]() -> bide::task<> {
            a.stop();
            (void)co_await c.send(2);
        });
        b = s.start([&]() -> bide::task<> {
            b.stop();
            (void)co_await c.receive();
        });
    });
    EXPECT_EQ(a.status(), future_status::cancelled);
    EXPECT_EQ(b.status(), future_status::cancelled);
    EXPECT_EQ(c.size(), 1U);
}

TYPED_TEST(channels, C1_12_a_producer_that_never_waits_starves_nobody) {
    typename TypeParam::template channel<int> c(1000);
    std::size_t seen = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            while (seen == 0 && c.size() < c.capacity()) (void)co_await c.send(1);
        });
        s.start([&]() -> bide::task<> {
            seen = c.size();
            co_return;
        });
    });
    EXPECT_EQ(seen, 128U);
}

// One task is stopped at the k-th step of the whole program, for every k: each value that was sent is received, and no
// other.
TYPED_TEST(channels, C6_2_cancelled_at_every_step) {
    for (std::size_t capacity = 0; capacity < 3; ++capacity) {
        int swept = 0;
        bool more = true;
        for (int k = 0; more; ++k)
            for (std::size_t victim = 0; victim < 4 && more; ++victim) {
                typename TypeParam::template channel<std::unique_ptr<int>> c(capacity);
                int step = 0;
                std::vector<bide::future<>> tasks;
                std::vector<int> sent;
                std::vector<int> got;
                std::unique_ptr<int> in_hand[2];  // outlives the tasks: a cancelled send leaves its value here
                const auto point = [&] {
                    if (step++ == k) tasks[victim].stop();
                };
                bide::with_scope([&](bide::scope& s) {
                    for (int id = 0; id < 2; ++id)
                        tasks.push_back(s.start(
                            [&](int me) -> bide::task<> {
                                for (int i = 0; i < 3; ++i) {
                                    const int value = 10 * me + i;
                                    in_hand[me] = std::make_unique<int>(value);
                                    point();
                                    const bool ok = co_await c.send(std::move(in_hand[me]));
                                    if (!ok) break;
                                    sent.push_back(value);
                                    point();
                                }
                            },
                            id));
                    for (int id = 0; id < 2; ++id)
                        tasks.push_back(s.start([&]() -> bide::task<> {
                            for (;;) {
                                point();
                                const std::optional<std::unique_ptr<int>> v = co_await c.receive();
                                if (!v) break;
                                got.push_back(**v);
                                point();
                            }
                        }));
                    s.start([&]() -> bide::task<> {
                        for (int i = 0; i < 40; ++i) co_await bide::yield_now();
                        c.close();
                    });
                });
                if (step <= k) {
                    more = false;
                    break;
                }
                ++swept;
                while (auto v = c.try_receive()) got.push_back(**v);
                for (const auto& held : in_hand)  // a value is with its sender or was received, never both
                    if (held != nullptr) {
                        EXPECT_EQ(std::count(got.begin(), got.end(), *held), 0);
                    }
                // A send that ended cancelled is not in `sent`: its value must not have arrived anywhere.
                std::sort(sent.begin(), sent.end());
                std::sort(got.begin(), got.end());
                EXPECT_EQ(sent, got) << "capacity " << capacity << ", k = " << k << ", victim " << victim;
            }
        EXPECT_GT(swept, 80);
    }
}

TEST(channel, C6_3_between_threads_and_loops_nothing_is_lost_or_doubled) {
    constexpr int per_sender = 1500;
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{64}}) {
        bide::channel<int> c(capacity);
        std::vector<std::atomic<int>> seen(4 * per_sender);
        std::vector<std::thread> senders;
        std::vector<std::thread> receivers;
        for (int t = 0; t < 2; ++t) {
            senders.emplace_back([&, t] {
                for (int i = 0; i < per_sender; ++i) EXPECT_TRUE(c.send(t * per_sender + i).wait());
            });
            receivers.emplace_back([&] {
                std::vector<int> last(4, -1);
                while (std::optional<int> v = c.receive().wait()) {
                    ++seen[static_cast<std::size_t>(*v)];
                    int& before = last[static_cast<std::size_t>(*v / per_sender)];
                    EXPECT_LT(before, *v) << "each sender's values come in order";
                    before = *v;
                }
            });
        }
        senders.emplace_back([&] {
            bide::with_scope([&](bide::scope& s) {
                for (int t = 2; t < 4; ++t)
                    s.start([&, t] { return send_all(c, t * per_sender, (t + 1) * per_sender); });
            });
        });
        receivers.emplace_back([&] {
            bide::with_scope([&](bide::scope& s) {
                for (int t = 0; t < 2; ++t)
                    s.start([&]() -> bide::task<> {
                        while (std::optional<int> v = co_await c.receive()) ++seen[static_cast<std::size_t>(*v)];
                    });
            });
        });
        for (auto& t : senders) t.join();
        c.close();
        for (auto& t : receivers) t.join();
        for (const auto& n : seen) ASSERT_EQ(n, 1);
    }
}

TEST(channel, C6_2_cancelled_from_another_thread_while_a_value_is_handed_over) {
    int delivered = 0;
    for (int round = 0; round < 300; ++round) {
        bide::channel<int> c(1);
        bide::event waiting;
        bide::loop l;
        int got = 0;
        auto f = l.submit([&]() -> bide::task<> {
            waiting.set();
            const std::optional<int> v = co_await c.receive();
            got = *v;
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        std::thread stops([&] { f.stop(); });
        EXPECT_TRUE(c.try_send(7));
        stops.join();
        runs.join();
        const std::optional<int> left = c.try_receive();
        EXPECT_EQ((got == 7) + (left == 7), 1) << "exactly one place";
        delivered += got == 7 ? 1 : 0;
    }
    RecordProperty("delivered", delivered);
}

TEST(local_channel, C6_3_a_stop_request_may_come_from_another_thread) {
    for (int round = 0; round < 100; ++round) {
        bide::loop l;
        bide::local_channel<int> c(1);
        bide::event waiting;
        auto f = l.submit([&]() -> bide::task<> {
            waiting.set();
            (void)co_await c.receive();
        });
        std::thread runs([&] { l.run(); });
        waiting.wait();
        f.stop();
        runs.join();
        EXPECT_EQ(f.status(), future_status::cancelled);
    }
}

// ---- histories ----------------------------------------------------------------------------------------------------

using bide_test::operation;

struct channel_model {
    std::size_t capacity;
    std::deque<long> queue;
    bool closed = false;
    explicit channel_model(std::size_t c) : capacity(c) {}

    bool apply(const operation& o) {
        if (o.what == "send") {  // true once there is room, false once it is closed
            if (o.result == 0) return closed;
            if (closed || queue.size() >= capacity) return false;
            queue.push_back(o.argument);
            return true;
        }
        if (o.what == "try_send") {
            const bool can = !closed && queue.size() < capacity;
            if (can) queue.push_back(o.argument);
            return can == (o.result != 0);
        }
        if (o.what == "receive" || o.what == "try_receive") {  // -1: nothing
            if (o.result == -1) return queue.empty() && (closed || o.what == "try_receive");
            if (queue.empty() || queue.front() != o.result) return false;
            queue.pop_front();
            return true;
        }
        closed = true;  // close
        return true;
    }
};

// Notes each operation when it has ended. It does not note a cancelled one, which must have had no effect.
class recorder {
public:
    template <class F>
    void now(const char* what, long argument, F f) {
        operation o{what, argument, 0, clock_.tick(), 0};
        o.result = f();
        add(o);
    }
    operation begin(const char* what, long argument) { return {what, argument, 0, clock_.tick(), 0}; }
    void end(operation o, long result) {
        o.result = result;
        add(o);
    }
    [[nodiscard]] const std::vector<operation>& all() const { return all_; }

private:
    void add(operation o) {
        o.ended = clock_.tick();
        const std::lock_guard hold(m_);
        all_.push_back(o);
    }
    bide_test::history_clock clock_;
    std::mutex m_;
    std::vector<operation> all_;
};

template <class C>
bide::task<> random_operations(C& c, recorder& r, std::uint32_t seed, int count, int id) {
    std::mt19937 random(seed);
    for (int i = 0; i < count; ++i) {
        for (std::uint32_t pause = random() % 3; pause > 0; --pause) co_await bide::yield_now();
        const long value = 100 * id + i;
        switch (random() % 10) {
            case 0:
                r.now("try_send", value, [&] { return c.try_send(int(value)) ? 1 : 0; });
                break;
            case 1:
                r.now("try_receive", 0, [&] { return c.try_receive().value_or(-1); });
                break;
            case 2:
                if (i + 1 == count)
                    r.now("close", 0, [&] {
                        c.close();
                        return 0;
                    });
                break;
            case 3:
            case 4:
            case 5: {
                operation o = r.begin("receive", 0);
                const std::optional<int> v = co_await c.receive();
                r.end(o, v.value_or(-1));
                break;
            }
            default: {
                operation o = r.begin("send", value);
                const bool sent = co_await c.send(int(value));
                r.end(o, sent ? 1 : 0);
            }
        }
    }
}

TYPED_TEST(channels, C6_2_histories_on_one_loop_are_those_of_a_queue) {
    for (std::uint32_t seed = 0; seed < 400; ++seed) {
        const std::size_t capacity = 1 + seed % 3;
        typename TypeParam::template channel<int> c(capacity);
        recorder r;
        bide::with_scope([&](bide::scope& s) {
            std::vector<bide::future<>> tasks;
            for (int id = 0; id < 4; ++id)
                tasks.push_back(s.start(random_operations<typename TypeParam::template channel<int>>, std::ref(c),
                                        std::ref(r), seed * 7 + std::uint32_t(id), 3, id));
            s.start([&, tasks, seed]() -> bide::task<> {  // stops a task now and then, and ends the others by close()
                std::mt19937 random(seed);
                for (std::uint32_t pause = random() % 6; pause > 0; --pause) co_await bide::yield_now();
                if (seed % 2 == 0) tasks[random() % tasks.size()].stop();
                for (int i = 0; i < 12; ++i) co_await bide::yield_now();
                r.now("close", 0, [&] {
                    c.close();
                    return 0;
                });
            });
        });
        ASSERT_LE(r.all().size(), 13U);
        ASSERT_TRUE(bide_test::linearizable(r.all(), channel_model(capacity)))
            << "seed = " << seed << ", capacity = " << capacity << "\n"
            << bide_test::to_text(r.all());
    }
}

TEST(channel, C6_3_histories_of_threads_are_those_of_a_queue) {
    for (std::uint32_t seed = 0; seed < 150; ++seed) {
        const std::size_t capacity = 1 + seed % 2;
        bide::channel<int> c(capacity);
        recorder r;
        std::vector<std::thread> all;
        for (int id = 0; id < 3; ++id)
            all.emplace_back(
                [&, id] { random_operations<bide::channel<int>>(c, r, seed * 5 + std::uint32_t(id), 4, id).wait(); });
        all.emplace_back([&] {  // closes the channel, so that the other threads end wherever they wait
            for (int i = 0; i < 50; ++i) std::this_thread::yield();
            r.now("close", 0, [&] {
                c.close();
                return 0;
            });
        });
        for (auto& t : all) t.join();
        ASSERT_TRUE(bide_test::linearizable(r.all(), channel_model(capacity))) << "seed = " << seed << "\n"
                                                                               << bide_test::to_text(r.all());
    }
}

TEST(channel, C6_2_the_checker_of_histories_finds_what_is_wrong) {
    const std::vector<operation> doubled = {{"send", 1, 1, 0, 1}, {"receive", 0, 1, 2, 3}, {"receive", 0, 1, 4, 5}};
    EXPECT_FALSE(bide_test::linearizable(doubled, channel_model(2)));
    const std::vector<operation> overtaken = {{"send", 1, 1, 0, 1}, {"send", 2, 1, 2, 3}, {"receive", 0, 2, 4, 5}};
    EXPECT_FALSE(bide_test::linearizable(overtaken, channel_model(2)));
    const std::vector<operation> overlapping = {{"send", 1, 1, 0, 3}, {"send", 2, 1, 1, 2}, {"receive", 0, 2, 4, 5}};
    EXPECT_TRUE(bide_test::linearizable(overlapping, channel_model(2)));
}

bide::task<> receives_from(bide::channel<int>& c) { (void)co_await c.receive(); }

TEST(channel_death, C6_2_C18_7_destroyed_while_somebody_waits) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_DEATH(
        {
            auto c = std::make_unique<bide::channel<int>>(1);
            bide::with_scope([&](bide::scope& s) {
                s.start(receives_from, std::ref(*c));
                s.start([&]() -> bide::task<> {
                    c.reset();
                    co_return;
                });
            });
        },
        "bide: channel destroyed while it is waited for, first of all by .*receives_from.*channel_test.cpp");
}

}  // namespace
