// SPDX-License-Identifier: BSL-1.0
//
// The timers of a loop: compared with a std::set of the same timers, and alone.
#include <bide/detail/loop/timer_queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::detail::timer_node;
using bide::detail::timer_queue;
using time_point = std::chrono::steady_clock::time_point;

struct timer : timer_node {
    timer() noexcept : timer_node(nullptr) {}
};

time_point at(std::int64_t ns) { return time_point(std::chrono::nanoseconds(ns)); }

// A queue beside a std::set, which does the same in the simplest way: each operation goes to both.
class beside_a_set {
public:
    explicit beside_a_set(std::size_t timers) : nodes_(timers), order_(timers) {}

    void arm(std::size_t i, time_point when) {
        nodes_[i].due = when;
        order_[i] = ++armed_;
        if (queue_.empty()) queue_.begin(began_);
        queue_.insert(nodes_[i]);
        set_.emplace(when, order_[i], i);
        ASSERT_TRUE(nodes_[i].armed());
    }
    void disarm(std::size_t i) {
        queue_.remove(nodes_[i]);
        set_.erase({nodes_[i].due, order_[i], i});
        ASSERT_FALSE(nodes_[i].armed());
    }
    void arm_or_disarm(std::size_t i, time_point when) { armed(i) ? disarm(i) : arm(i, when); }
    void look() {
        const timer_node* const first = queue_.first();
        ASSERT_EQ(first == nullptr, set_.empty());
        ASSERT_EQ(queue_.empty(), set_.empty());
        if (first == nullptr) return;
        ASSERT_EQ(first, &nodes_[std::get<2>(*set_.begin())]);
    }
    void fire_until(time_point now) {
        ASSERT_NO_FATAL_FAILURE(look());
        while (!set_.empty() && std::get<0>(*set_.begin()) <= now) {
            ASSERT_NO_FATAL_FAILURE(disarm(std::get<2>(*set_.begin())));
            ASSERT_NO_FATAL_FAILURE(look());
        }
    }
    // Sets the time that an empty queue gets from now on (begin).
    void it_is(time_point now) { began_ = now; }
    [[nodiscard]] bool armed(std::size_t i) const { return nodes_[i].armed(); }
    [[nodiscard]] bool empty() const { return set_.empty(); }
    [[nodiscard]] time_point first() const { return std::get<0>(*set_.begin()); }

private:
    timer_queue queue_;
    std::vector<timer> nodes_;
    std::vector<std::uint64_t> order_;
    std::uint64_t armed_ = 0;
    time_point began_{};
    std::set<std::tuple<time_point, std::uint64_t, std::size_t>> set_;
};

// Times of all magnitudes: this one, a few, and up to hundreds of years ahead or before; and both ends.
time_point some_time(std::mt19937_64& random, std::int64_t now) {
    const auto kind = random() % 32;
    if (kind == 0) return time_point::max();
    if (kind == 1) return time_point::min();
    const auto distance = static_cast<std::int64_t>(random() >> (2 + random() % 62));
    if (kind < 8) return at(now - std::min(distance, std::int64_t{1} << (random() % 60)));
    if (kind < 14) return at(now + static_cast<std::int64_t>(random() % 4));
    return at(now > 0 && distance > INT64_MAX - now ? INT64_MAX : now + distance);
}

void random_operations(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    // Few timers are all in the heap; many are redistributed.
    const std::size_t timers = std::size_t{1} << (1 + random() % 12);
    beside_a_set both(timers);
    auto now = static_cast<std::int64_t>(seed % 3 == 0 ? 0 : random() >> (1 + random() % 40));
    const auto burst = std::size_t{1} << (random() % 10);
    for (int step = 0; step < 200; ++step) {
        switch (random() % 4) {
            case 0:
            case 1:
                for (std::size_t i = 0; i < burst; ++i)
                    ASSERT_NO_FATAL_FAILURE(both.arm_or_disarm(random() % timers, some_time(random, now)));
                break;
            case 2:  // time goes on, by any step; virtual time jumps to the first timer
                if (!both.empty() && random() % 2 == 0)
                    now = std::max<std::int64_t>(now, both.first().time_since_epoch().count());
                else
                    now += static_cast<std::int64_t>((random() % (std::uint64_t{1} << 40)) >> (random() % 40));
                if (now > INT64_MAX / 2) now = 0;            // the queue does not rely on a time that only grows
                if (random() % 8 != 0) both.it_is(at(now));  // the queue's time may also be wrong
                ASSERT_NO_FATAL_FAILURE(both.fire_until(at(now)));
                break;
            default:
                ASSERT_NO_FATAL_FAILURE(both.look());
        }
    }
    ASSERT_NO_FATAL_FAILURE(both.fire_until(time_point::max()));
    ASSERT_TRUE(both.empty());
}

TEST(timer_queue, C6_4_random_arming_disarming_and_firing_as_a_set_would_do_it) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) random_operations(seed);
    const std::uint64_t new_ones = std::random_device()();
    RecordProperty("seed", std::to_string(new_ones));
    for (std::uint64_t i = 0; i < 20; ++i) random_operations(new_ones + i);
}

TEST(timer_queue, C3_2_equal_times_in_the_order_of_arming_near_and_far) {
    for (const auto& [others, when] : {std::pair(0, 1s), std::pair(5000, 1s), std::pair(5000, 86400s)}) {
        beside_a_set both(10'000);
        for (std::size_t i = 0; i < static_cast<std::size_t>(others); ++i)
            both.arm(5000 + i, time_point(1000h + 1ms * i));
        for (std::size_t i = 0; i < 5000; ++i) {
            both.arm(i, time_point(1000h + when + (i % 3 == 0 ? 1ns : 0ns)));
            if (i % 100 == 0) both.look();  // first() fills the heap: some timers are there, later ones are not
        }
        both.fire_until(time_point(1000h + 1s));
        both.fire_until(time_point(2000h));
        EXPECT_TRUE(both.empty());
    }
}

TEST(timer_queue, C6_4_the_past_both_ends_of_time_and_a_beginning_that_is_wrong) {
    for (const time_point began : {time_point::min(), time_point{}, time_point(1h), time_point::max()}) {
        beside_a_set both(600);
        both.it_is(began);
        std::size_t n = 0;
        for (const time_point when : {time_point(1h), time_point::max(), time_point::min(), time_point::max(),
                                      time_point(-1h), time_point(1h), time_point(0ns), time_point(1h - 1ns)}) {
            both.arm(n++, when);
            both.look();
        }
        both.disarm(1);
        both.fire_until(time_point(1h));
        for (; n < 600; ++n) both.arm(n, time_point(1h - 1s * n));  // all of them past, the latest first
        both.look();
        both.fire_until(time_point::max());
        EXPECT_TRUE(both.empty());
    }
}

// A lone timer far ahead makes every timer before it near: a great many of them are redistributed, again and again.
TEST(timer_queue, C6_4_many_before_one_that_was_first) {
    beside_a_set both(4000);
    for (std::size_t round = 0; round < 3; ++round) {
        const auto begin = 1000h + 1h * round;
        both.arm(0, time_point(begin + 10min));
        both.look();
        for (std::size_t i = 1; i < 4000; ++i) {
            both.arm(i, time_point(begin + 1us * (i * 7919 % 4000)));
            if (i % 7 == 0) both.disarm(i / 2);
            if (!both.armed(i / 2)) both.arm(i / 2, time_point(begin + 1s * i));
        }
        both.fire_until(time_point(begin + 2ms));
        both.fire_until(time_point(begin + 2h));
    }
    EXPECT_TRUE(both.empty());
}

TEST(timer_queue, C6_4_a_million_armed_and_taken_back) {
    std::vector<timer> nodes(1'000'000);
    timer_queue q;
    q.begin(time_point(1000h));
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            nodes[i].due = time_point(1001h + 1us * (i * 7919 % nodes.size()));
            q.insert(nodes[i]);
        }
        if (round == 1) {
            EXPECT_EQ(q.first(), &nodes[0]);
        }
        for (timer& n : nodes) q.remove(n);
        EXPECT_EQ(q.first(), nullptr);
        EXPECT_TRUE(q.empty());
    }
}

// Each insertion used to redistribute all timers that were there: a cost of the square of their number.
TEST(timer_queue, C6_4_many_timers_for_one_time_are_armed_one_by_one) {
    constexpr std::size_t many = 200'000;
    timer_queue queue;
    queue.begin(time_point());
    std::vector<timer> timers(many);
    for (timer& t : timers) {
        t.due = time_point(1h);
        queue.insert(t);
        ASSERT_EQ(queue.first(), timers.data());  // fills the heap: the next timers have the last near time
    }
    for (timer& t : timers) {
        ASSERT_EQ(queue.first(), &t);
        queue.remove(t);
    }
    EXPECT_TRUE(queue.empty());
}

}  // namespace
