// SPDX-License-Identifier: BSL-1.0
//
// steals [--seconds=S] [--workers=N] [--nap-every=N] [--jobs=N] [--trees=N] [--depth=N]: forks whose leaves are so short
// that workers fight for them all the time, some of which wait, fail, or are stopped; as long as was said (60 s). Each
// result is checked. Prints how many were handed over. It is for long runs, under ThreadSanitizer and without; it is no
// measurement. What is handed over how often is a matter of how much each worker has of its own:
// - one job of many trees (--jobs=1 --trees=1000 --depth=2, 2 or 3 workers): the others are hungry without end, and
//   most of a second's hand-overs happen right beside the owner's own join. The most in a second, by far.
// - many jobs of one tree each (64, 1, 5: the default): workers have enough, and search from outside to each other.
//   One leaf in --nap-every=N sleeps (8; 0: none), which leaves the others something also where the machine is busy;
//   with --workers=32 --nap-every=64 workers fall asleep and are woken all the time.
#include <bide/bide.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

struct sometimes : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct counters {
    std::uint32_t nap_every = 8;
    std::atomic<std::uint64_t> leaves{0};
    std::atomic<std::uint64_t> elsewhere{0};  // children that ran on another thread than the one that forked them
    std::atomic<std::uint64_t> failed{0};     // trees
};

std::uint32_t mix(std::uint64_t x) {
    x = (x ^ (x >> 31U)) * 0x9e3779b97f4a7c15U;
    return static_cast<std::uint32_t>(x >> 33U);
}

bide::task<long> leaf(std::uint64_t seed, std::thread::id forked_on, counters& c, bool may_fail) {
    c.leaves.fetch_add(1, std::memory_order_relaxed);
    if (forked_on != std::thread::id() && std::this_thread::get_id() != forked_on)
        c.elsewhere.fetch_add(1, std::memory_order_relaxed);
    const std::uint32_t r = mix(seed);
    // Not seen by the pool: meanwhile the others find what is left, also on a machine that is busy.
    if (c.nap_every != 0 && r % c.nap_every == 0) std::this_thread::sleep_for(std::chrono::nanoseconds(1));
    if (r % 97 == 0) co_await bide::yield_now();
    if (may_fail && r % 4093 == 0) throw sometimes("here");
    co_return 1;
}
// Small: what is left to the others is short, and they come back soon.
bide::task<long> tree(int depth, std::uint64_t seed, std::thread::id forked_on, counters& c, bool may_fail) {
    if (depth == 0) co_return co_await leaf(seed, forked_on, c, may_fail);
    if (forked_on != std::thread::id() && std::this_thread::get_id() != forked_on)
        c.elsewhere.fetch_add(1, std::memory_order_relaxed);
    const std::thread::id here = std::this_thread::get_id();
    auto [a, b, d] =
        co_await bide::when_all(tree(depth - 1, seed * 3 + 1, here, c, may_fail), leaf(seed * 3 + 2, here, c, may_fail),
                                tree(depth - 1, seed * 3 + 3, here, c, may_fail));
    co_return a + b + d;
}
long leaves_of(long depth) {  // two trees and a leaf, down to one leaf
    return (2L << depth) - 1;
}

// What fails is as good as whole: the next tree has to find everything in order.
bide::task<long> job(long trees, int depth, std::uint64_t seed, counters& c, bool may_fail) {
    long sum = 0;
    for (long i = 0; i < trees; ++i) {
        const std::uint64_t of_this = seed * 1'000'003U + static_cast<std::uint64_t>(i);
        try {
            sum += co_await tree(depth, of_this, std::thread::id(), c, may_fail);
        } catch (const sometimes&) {
            c.failed.fetch_add(1, std::memory_order_relaxed);
            sum += leaves_of(depth);
        }
    }
    co_return sum;
}

long number(const char* text, const char* name, long otherwise) {
    const std::size_t n = std::strlen(name);
    return std::strncmp(text, name, n) == 0 ? std::strtol(text + n, nullptr, 10) : otherwise;
}

}  // namespace

int main(int count, char** arguments) {
    long seconds = 60;
    long workers = 3;
    long nap_every = 8;
    long jobs = 64;
    long trees = 1;
    long depth = 5;
    for (int i = 1; i < count; ++i) {
        seconds = number(arguments[i], "--seconds=", seconds);
        workers = number(arguments[i], "--workers=", workers);
        nap_every = number(arguments[i], "--nap-every=", nap_every);
        jobs = number(arguments[i], "--jobs=", jobs);
        trees = number(arguments[i], "--trees=", trees);
        depth = number(arguments[i], "--depth=", depth);
    }
    if (nap_every < 0 || seconds < 1 || workers < 1 || workers > bide::pool::max_workers || jobs < 1 || trees < 1 ||
        depth < 0 || depth > 20) {
        std::fputs("usage: steals [--seconds=S] [--workers=N] [--nap-every=N] [--jobs=N] [--trees=N] [--depth=N]\n",
                   stderr);
        return 2;
    }
    const long all = trees * leaves_of(depth);
    counters c;
    c.nap_every = static_cast<std::uint32_t>(nap_every);
    std::uint64_t ended = 0;
    std::uint64_t stopped = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    bide::pool p(static_cast<int>(workers));
    bide::set_unhandled_error_hook([](std::exception_ptr, const char*) {});  // failures beside one that decided
    std::uint64_t seed = 0;
    while (std::chrono::steady_clock::now() < end) {
        std::vector<bide::future<long>> flight;
        for (long i = 0; i < jobs; ++i) {
            ++seed;
            flight.push_back(p.submit(job, trees, static_cast<int>(depth), seed, std::ref(c), seed % 4 == 0));
            if (seed % 16 != 1) continue;
            // In the middle of it, where there is a middle: a thousand trees take some hundred microseconds.
            std::this_thread::sleep_for(std::chrono::microseconds(mix(seed) % (trees / 8 + 1)));
            flight.back().stop();
        }
        for (const bide::future<long>& f : flight) {
            ++ended;
            try {
                if (f.wait() != all) {
                    std::fputs("steals: a wrong sum\n", stderr);
                    return 1;
                }
            } catch (const bide::cancelled&) {
                ++stopped;
            }
        }
    }
    p.shutdown();
    std::printf(
        "steals: %llu handed over, %llu leaves, %llu jobs, of which %llu were stopped; %llu trees failed; %ld workers, "
        "%ld s\n",
        static_cast<unsigned long long>(c.elsewhere.load()), static_cast<unsigned long long>(c.leaves.load()),
        static_cast<unsigned long long>(ended), static_cast<unsigned long long>(stopped),
        static_cast<unsigned long long>(c.failed.load()), workers, seconds);
    return 0;
}
