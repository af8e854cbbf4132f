// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>
#include <bide/pool.hpp>

#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/pool/fork_stack.hpp>

#include "support/threads.hpp"
#include "support/unhandled.hpp"
#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

// Small numbers that differ from roll to roll; the same seed gives the same numbers.
class dice {
public:
    explicit dice(std::uint32_t seed) : at_(seed) {}
    std::uint32_t roll() { return (at_.fetch_add(2654435761U, std::memory_order_relaxed) * 2246822519U) >> 8; }

private:
    std::atomic<std::uint32_t> at_;
};

void work(std::uint32_t steps) {
    for (volatile std::uint32_t i = 0; i < steps;) i = i + 1;
}

bide::task<long> fib(int n) {
    if (n < 2) co_return n;
    auto [a, b] = co_await bide::when_all(fib(n - 1), fib(n - 2));
    co_return a + b;
}

TEST(pool_fork, C10_1_when_all_forks) {
    for (const int workers : {1, 2, 3}) {
        bide::pool p(workers);
        EXPECT_EQ(p.run(fib, 20).wait(), 6765);
    }
}

bide::task<std::string> text(int n) { co_return "a text that is too long to be held in place: " + std::to_string(n); }
bide::task<> nothing() { co_return; }
bide::task<int> after_yield(int n) {
    co_await bide::yield_now();
    co_return n;
}

bide::task<std::string> mixed() {
    auto [a, none, b, c] = co_await bide::when_all(text(1), nothing(), after_yield(2), text(3));
    co_return a + " " + std::to_string(b) + " " + c;
}

TEST(pool_fork, C5_1_results_come_in_the_order_of_the_arguments) {
    bide::pool p(2);
    EXPECT_EQ(p.run(mixed).wait(),
              "a text that is too long to be held in place: 1 2 a text that is too long to be held in place: 3");
}

bide::task<std::string> text_or_yield(int n) {
    if (n % 7 == 0) co_await bide::yield_now();
    co_return "a text that is too long to be held in place: " + std::to_string(n);
}
bide::task<bool> texts(int n) {
    std::vector<bide::task<std::string>> all;
    for (int i = 0; i < n; ++i) all.push_back(text_or_yield(i));
    const std::vector<std::string> got = co_await bide::when_all(std::move(all));
    bool right = static_cast<int>(got.size()) == n;
    for (int i = 0; i < n; ++i)
        right = right &&
                got[static_cast<std::size_t>(i)] == "a text that is too long to be held in place: " + std::to_string(i);
    co_return right;
}

TEST(pool_fork, C5_1_of_a_range_in_its_order_also_of_a_long_one) {
    bide::pool p(3);
    for (const int n : {0, 1, 2, 7, 8, 100, 1000, 1500}) EXPECT_TRUE(p.run(texts, n).wait()) << n;
}

struct wrong : std::runtime_error {
    using std::runtime_error::runtime_error;
};
bide::task<std::string> fails(bool waits) {
    if (waits) co_await bide::yield_now();
    throw wrong("as it is");
}
bide::task<> sets(std::shared_ptr<std::atomic<int>> begun) {
    ++*begun;
    co_return;
}
bide::task<std::string> fails_among(bool waits, std::shared_ptr<std::atomic<int>> begun) {
    auto [a, b, c, d] = co_await bide::when_all(text(1), fails(waits), sets(begun), text(2));
    co_return a + b + d;
}

TEST(pool_fork, C5_1_a_failure_in_line_is_thrown_and_what_has_not_begun_never_begins) {
    bide::pool p(1);
    auto begun = std::make_shared<std::atomic<int>>(0);
    EXPECT_THROW(p.run(fails_among, false, begun).wait(), wrong);
    EXPECT_EQ(*begun, 0);
    EXPECT_EQ(begun.use_count(), 1);
}

TEST(pool_fork, C5_1_a_failure_after_a_wait_is_thrown_as_itself) {
    for (const int workers : {1, 2}) {
        bide::pool p(workers);
        auto begun = std::make_shared<std::atomic<int>>(0);
        EXPECT_THROW(p.run(fails_among, true, begun).wait(), wrong);
        EXPECT_EQ(begun.use_count(), 1);
    }
}

bide::task<int> range_with_one_that_fails(int n, int which) {
    std::vector<bide::task<std::string>> all;
    for (int i = 0; i < n; ++i) {
        if (i == which)
            all.push_back(fails(i % 2 == 0));
        else
            all.push_back(text_or_yield(i));
    }
    co_return static_cast<int>((co_await bide::when_all(std::move(all))).size());
}

TEST(pool_fork, C5_1_of_a_range_one_fails) {
    bide::pool p(2);
    for (const int which : {0, 1, 6, 13, 18, 19})
        EXPECT_THROW(p.run(range_with_one_that_fails, 20, which).wait(), wrong) << which;
}

// Counts the frames that are unwound.
struct unwinds {
    std::shared_ptr<std::atomic<int>> count;
    explicit unwinds(std::shared_ptr<std::atomic<int>> c) : count(std::move(c)) {}
    unwinds(const unwinds&) = delete;
    unwinds& operator=(const unwinds&) = delete;
    ~unwinds() { ++*count; }
};
bide::task<int> waits_for_ever(bide::event& never, bide::event& stands, std::shared_ptr<std::atomic<int>> unwound) {
    const unwinds here(unwound);
    stands.set();
    co_await never;
    co_return 1;
}
bide::task<int> fails_when(bide::event& stands) {
    co_await stands;
    throw wrong("late");
}
bide::task<int> one_waits_one_fails(std::shared_ptr<std::atomic<int>> unwound) {
    bide::event never;
    bide::event stands;
    auto [a, b] = co_await bide::when_all(waits_for_ever(never, stands, unwound), fails_when(stands));
    co_return a + b;
}

TEST(pool_fork, C5_1_a_failure_stops_and_joins_the_others) {
    for (const int workers : {1, 2}) {
        bide::pool p(workers);
        auto unwound = std::make_shared<std::atomic<int>>(0);
        EXPECT_THROW(p.run(one_waits_one_fails, unwound).wait(), wrong);
        EXPECT_EQ(*unwound, 1);
    }
}

bide::task<> fails_with(bide::event& begin, std::vector<std::string>& thrown, const char* what) {
    co_await begin;
    thrown.emplace_back(what);
    throw wrong(what);
}
bide::task<> sets(bide::event& begin) {
    begin.set();  // both are resumed now, before either can stop the other
    co_return;
}
bide::task<> two_fail(bide::event& begin, std::vector<std::string>& thrown) {
    co_await bide::when_all(fails_with(begin, thrown, "one"), fails_with(begin, thrown, "other"), sets(begin));
}

TEST(pool_fork, C5_1_the_first_failure_in_time_is_thrown_and_the_others_are_reported) {
    const support::unhandled reported;
    bide::pool p(1);
    bide::event begin;
    std::vector<std::string> thrown;
    try {
        p.run(two_fail, std::ref(begin), std::ref(thrown)).wait();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const wrong& e) {
        ASSERT_EQ(thrown.size(), 2U);
        EXPECT_EQ(e.what(), thrown[0]);
        const std::vector<std::string> others = reported.errors();
        ASSERT_EQ(others.size(), 1U);
        EXPECT_NE(others[0].find(thrown[1]), std::string::npos) << others[0];
    }
}

// The innermost child suspends, and every child of every fork needs a node. A reserve that has one too few shows where a
// fork ends exactly at the limit: so there are forks of several widths, at all depths (F5).
bide::task<> nest(int depth, int width) {
    if (depth == 0) {
        co_await bide::yield_now();
        co_return;
    }
    std::vector<bide::task<>> all;
    all.push_back(nest(depth - 1, width));
    for (int i = 1; i < width; ++i) all.push_back(nothing());
    co_await bide::when_all(std::move(all));
}

TEST(pool_fork, C10_1_the_reserve_has_a_node_for_each_child_when_one_waits) {
    for (int width = 2; width <= 5; ++width) {
        for (int depth = 1; depth <= 40; ++depth) {
            bide::pool p(1);
            p.run(nest, depth, width).wait();
        }
    }
}

bide::task<int> both_wait(bide::latch& stand, std::shared_ptr<std::atomic<int>> unwound) {
    struct one {
        static bide::task<std::string> run(bide::latch& stand, std::shared_ptr<std::atomic<int>> unwound) {
            const unwinds here(unwound);
            stand.count_down();
            bide::event never;
            co_await never;
            co_return std::string();
        }
    };
    const unwinds here(unwound);
    auto [ready, a, b] = co_await bide::when_all(text(0), one::run(stand, unwound), one::run(stand, unwound));
    co_return static_cast<int>(a.size() + b.size());
}

TEST(pool_fork, C6_5_a_stop_from_outside_unwinds_every_child_and_then_the_parent) {
    for (const int workers : {1, 2}) {
        bide::pool p(workers);
        auto unwound = std::make_shared<std::atomic<int>>(0);
        bide::latch stand(2);
        bide::future<int> f = p.submit(both_wait, std::ref(stand), unwound);
        stand.wait();
        f.stop();
        EXPECT_THROW(f.wait(), bide::cancelled);
        EXPECT_EQ(*unwound, 3);
    }
}

// ---- the identity of a child ----------------------------------------------------------------------------------------

bide::task<bool> asks_to_stop_below() {
    // The stop request of a sibling's failure reaches code that computes and polls for it.
    while (!bide::stop_requested()) std::this_thread::yield();
    co_return true;
}
bide::task<bool> fails_at_once() {
    throw wrong("first");
    co_return false;
}
bide::task<bool> one_computes() {
    auto [a, b] = co_await bide::when_all(asks_to_stop_below(), fails_at_once());
    co_return a&& b;
}

TEST(pool_fork, C6_5_a_child_that_computes_sees_the_request_of_its_sibling) {
    bide::pool p(2);
    EXPECT_THROW(p.run(one_computes).wait(), wrong);
}

bide::task<int> locks(bide::mutex& m, bool twice) {
    const auto held = co_await m.lock();
    co_await bide::yield_now();
    if (twice) static_cast<void>(co_await m.lock());
    co_return 1;
}
bide::task<int> two_lock(bide::mutex& m, bool twice) {
    auto [a, b] = co_await bide::when_all(locks(m, twice), locks(m, false));
    co_return a + b;
}

TEST(pool_fork, C6_1_the_children_of_a_fork_are_different_owners_of_a_mutex) {
    bide::pool p(2);
    bide::mutex m;
    EXPECT_EQ(p.run(two_lock, std::ref(m), false).wait(), 2);
    EXPECT_THROW(p.run(two_lock, std::ref(m), true).wait(), bide::would_deadlock);
}

// ---- hand-over ------------------------------------------------------------------------------------------------------

// Leaves of random length, which now and then go through the queue, or over another executor and back.
bide::task<long> shaken(int n, dice& d, bide::executor& self, bide::executor& other) {
    if (n < 2) {
        const std::uint32_t r = d.roll();
        work(r % 2000);
        if (r % 7 == 0) co_await bide::yield_now();
        if (r % 11 == 0) {
            co_await bide::resume_on(other);
            co_await bide::resume_on(self);
        }
        if (r % 13 == 0) {
            bide::event set;
            set.set();
            co_await set;
        }
        co_return n;
    }
    auto [a, b] = co_await bide::when_all(shaken(n - 1, d, self, other), shaken(n - 2, d, self, other));
    co_return a + b;
}

// A leaf that looks between detaching and publishing: what that opened lies there until the trampoline has control. A
// leaf holds its primitive's lock at this point, under which nothing is posted to other workers (F3).
class looks_while_it_parks : public bide::detail::leaf_awaiter<looks_while_it_parks> {
public:
    looks_while_it_parks(bide::detail::promise_base& p, bool& kept) noexcept
        : leaf_awaiter(p, kind_of_wait, nullptr), kept_(kept) {}
    [[nodiscard]] bool try_now() const noexcept { return false; }
    [[nodiscard]] bool park() noexcept {
        bide::detail::promise_base* const me = frame;
        bide::detail::detach(me);
        kept_ = !bide::detail::tls().forks->nothing_forked();
        frame = nullptr;
        bide::detail::post(me, bide::detail::step::resume);
        return true;
    }
    void await_resume() const noexcept {}

private:
    static constexpr bide::detail::wait_kind kind_of_wait{"look"};
    bool& kept_;
};
struct look {
    bool* kept;
    explicit look(bool& k) noexcept : kept(&k) {}
    [[nodiscard]] looks_while_it_parks native_awaiter(bide::detail::promise_base& p) const noexcept {
        return looks_while_it_parks(p, *kept);
    }
};
bide::task<> looks(bool& kept) { co_await look(kept); }

TEST(pool_fork, C10_1_what_a_waiting_child_has_opened_is_posted_after_its_leaf_is_done) {
    bide::pool p(1);
    bool kept = false;
    p.run([&kept]() -> bide::task<> { co_await bide::when_all(looks(kept), nothing()); }).wait();
    EXPECT_TRUE(kept);
}

TEST(pool_fork, C10_1_forks_are_handed_over_thousands_of_times) {
    const std::uint32_t seed = 1;
    SCOPED_TRACE("seed " + std::to_string(seed));
    dice d(seed);
    bide::pool other(1);
    for (int round = 0; round < 60; ++round) {
        bide::pool p(3);
        ASSERT_EQ(p.run(shaken, 12, std::ref(d), std::ref(p), std::ref(other)).wait(), 144);
    }
}

struct sometimes : std::runtime_error {
    using std::runtime_error::runtime_error;
};
bide::task<std::string> failing(int n, dice& d, int one_in) {
    if (n < 2) {
        const auto r = static_cast<int>(d.roll() % 100000);
        work(static_cast<std::uint32_t>(r % 500));
        if (r % 5 == 0) co_await bide::yield_now();
        if (r % one_in == 0) throw sometimes("here");
        co_return "a text that is too long to be held in place";
    }
    auto [a, b] = co_await bide::when_all(failing(n - 1, d, one_in), failing(n - 2, d, one_in));
    co_return a.size() > b.size() ? a : b;
}

TEST(pool_fork, C5_1_failures_and_hand_overs_lose_nothing) {
    const std::uint32_t seed = 2;
    SCOPED_TRACE("seed " + std::to_string(seed));
    dice d(seed);
    int failed = 0;
    bide::pool p(3);
    for (int round = 0; round < 300; ++round) {
        try {
            EXPECT_EQ(p.run(failing, 9, std::ref(d), 100).wait(), "a text that is too long to be held in place");
        } catch (const sometimes&) {
            ++failed;
        }
    }
    EXPECT_GT(failed, 0);
    EXPECT_LT(failed, 300);
}

TEST(pool_fork, C6_5_stops_race_with_hand_overs) {
    const std::uint32_t seed = 3;
    SCOPED_TRACE("seed " + std::to_string(seed));
    dice d(seed);
    bide::pool p(3);
    bide::pool other(1);
    for (int round = 0; round < 300; ++round) {
        bide::future<long> f = p.submit(shaken, 9, std::ref(d), std::ref(p), std::ref(other));
        work(d.roll() % 20000);
        f.stop();
        try {
            EXPECT_EQ(f.wait(), 34);
        } catch (const bide::cancelled&) {}
    }
}

// ---- depth ----------------------------------------------------------------------------------------------------------

bide::task<long> leaning(long n, bool left, bool waits) {
    if (n == 0) {
        if (waits) co_await bide::yield_now();
        co_return 1;
    }
    if (left) {
        auto [a, none] = co_await bide::when_all(leaning(n - 1, left, waits), nothing());
        co_return a;
    }
    auto [none, b] = co_await bide::when_all(nothing(), leaning(n - 1, left, waits));
    co_return b;
}

TEST(pool_fork, C10_1_forks_may_be_deep_on_either_side) {
    const long depth = support::sanitized ? 20'000 : 200'000;
    bide::pool p(2);
    for (const bool left : {false, true})
        for (const bool waits : {false, true}) EXPECT_EQ(p.run(leaning, depth, left, waits).wait(), 1);
}

// ---- no fork stays hidden -------------------------------------------------------------------------------------------

bide::task<> meets(support::arrivals& there, support::gate& open) {
    there.arrive();
    open.pass();  // blocks outside bide: to the pool the task computes
    co_return;
}
bide::task<> leads(support::arrivals& there, support::gate& open, support::gate& begin) {
    begin.pass();
    co_await bide::when_all(meets(there, open), meets(there, open), meets(there, open));
}

// The workers become idle after the fork was made: they have to find the private forks themselves (raid).
TEST(pool_fork, C10_2_idle_workers_find_what_one_that_computes_has_forked) {
    bide::pool p(3);
    support::arrivals there;
    support::gate open;
    support::gate begin;
    const support::opens at_end(open);
    bide::future<void> f = p.submit(leads, std::ref(there), std::ref(open), std::ref(begin));
    begin.open();
    there.await(3);
    EXPECT_EQ(there.count(), 3);
    open.open();
    f.wait();
}

bide::task<> busy_until(support::gate& g) {
    g.pass();
    co_return;
}

TEST(pool_fork, C10_2_workers_that_were_busy_when_it_forked_find_it_later) {
    bide::pool p(3);
    support::arrivals there;
    support::gate open;
    support::gate begin;
    support::gate busy;
    const support::opens at_end(open);
    bide::future<void> one = p.submit(busy_until, std::ref(busy));
    bide::future<void> two = p.submit(busy_until, std::ref(busy));
    begin.open();
    bide::future<void> f = p.submit(leads, std::ref(there), std::ref(open), std::ref(begin));
    there.await(1);  // the worker runs the first child, and the others are private
    busy.open();
    there.await(3);
    EXPECT_EQ(there.count(), 3);
    open.open();
    bide::when_all(one, two, f).wait();
}

bide::task<> meets_below(int depth, support::arrivals& there, int all) {
    if (depth == 0) {
        there.arrive();
        there.await(all);
        co_return;
    }
    co_await bide::when_all(meets_below(depth - 1, there, all), meets_below(depth - 1, there, all));
}

// Each leaf computes until all have begun. A worker must not keep what it forks while another worker is still on its
// way to the fork that the first one has shared before.
TEST(pool_fork, C10_2_as_many_leaves_as_workers_run_at_the_same_time) {
    bide::pool p(4);
    for (int round = 0; round < 200; ++round) {
        support::arrivals there;
        p.run(meets_below, 2, std::ref(there), 4).wait();
        ASSERT_EQ(there.count(), 4) << "round " << round;
    }
}

bide::task<> arrives_and_passes(support::arrivals& there, support::gate& open) {
    there.arrive();
    open.pass();
    co_return;
}
bide::task<> forks_for_the_third(support::arrivals& there, support::gate& open, bide::pool& p) {
    there.await(1);                                          // the second worker has the other child, and is busy
    while (p.counts().idle != 1) std::this_thread::yield();  // the third has looked everywhere, and sleeps
    co_await bide::when_all(arrives_and_passes(there, open), arrives_and_passes(there, open));
}
bide::task<> forks_twice(support::arrivals& there, support::gate& open, bide::pool& p) {
    co_await bide::when_all(forks_for_the_third(there, open, p), arrives_and_passes(there, open));
}

// A worker that sleeps is hungry still, also when another one has been given the fork before.
TEST(pool_fork, C10_2_a_worker_that_sleeps_gets_the_next_fork) {
    bide::pool p(3);
    support::arrivals there;
    support::gate open;
    const support::opens at_end(open);
    while (p.counts().idle != 3) std::this_thread::yield();
    bide::future<void> f = p.submit(forks_twice, std::ref(there), std::ref(open), std::ref(p));
    there.await(3);
    EXPECT_EQ(there.count(), 3);
    open.open();
    f.wait();
}

bide::task<int> set_it(bide::event& e) {
    e.set();
    co_return 1;
}
bide::task<int> blocks_on(bide::event& e) {
    e.wait();  // in plain code: the thread blocks
    co_return 1;
}
bide::task<int> blocks_beside() {
    bide::event e;
    auto [a, b] = co_await bide::when_all(blocks_on(e), set_it(e));
    co_return a + b;
}

TEST(pool_fork, C10_2_a_worker_lets_others_have_its_forks_before_it_blocks) {
    bide::pool p(1);
    EXPECT_EQ(p.run(blocks_beside).wait(), 2);
}

// ---- how long a fork may be hidden ----------------------------------------------------------------------------------
// In real time: timing/pool_fork_test.cpp.

// A leaf that arrives blocks outside bide until the other worker's leaf arrives, too: to the pool it computes. Counts
// how often two leaves have met.
class pairs {
public:
    void meet() { both_.arrive_and_wait(); }
    [[nodiscard]] int count() const { return met_; }

private:
    struct counts_one {
        std::atomic<int>* n;
        void operator()() noexcept { ++*n; }
    };
    std::atomic<int> met_{0};
    std::barrier<counts_one> both_{2, counts_one{&met_}};
};
bide::task<> leaf_of_a_pair(pairs& p) {
    p.meet();
    co_return;
}
bide::task<> eight_at_once(pairs& p) {
    co_await bide::when_all(leaf_of_a_pair(p), leaf_of_a_pair(p), leaf_of_a_pair(p), leaf_of_a_pair(p),
                            leaf_of_a_pair(p), leaf_of_a_pair(p), leaf_of_a_pair(p), leaf_of_a_pair(p));
}
bide::task<> eight_by_halves(int depth, pairs& p) {
    if (depth == 0)
        co_await leaf_of_a_pair(p);
    else
        co_await bide::when_all(eight_by_halves(depth - 1, p), eight_by_halves(depth - 1, p));
}

// A leaf that stays hidden behind a computing one never arrives at the barrier, and then neither leaf ends.
TEST(pool_fork, C10_2_two_workers_compute_eight_leaves_two_at_a_time) {
    const support::watchdog guard;
    bide::pool flat(2);
    bide::pool halved(2);
    pairs flat_pairs;
    pairs halved_pairs;
    const auto a = flat.submit(eight_at_once, std::ref(flat_pairs));
    const auto b = halved.submit(eight_by_halves, 3, std::ref(halved_pairs));
    bide::when_all(a, b).wait();
    EXPECT_EQ(flat_pairs.count(), 4);
    EXPECT_EQ(halved_pairs.count(), 4);
}

}  // namespace
