// SPDX-License-Identifier: BSL-1.0
//
// steals [--seconds=S] [--workers=N] [--nap-every=N]: forks whose leaves are so short that workers fight for them all
// the time, some of which wait, fail, or are stopped; as long as was said (60 s). Each result is checked. Prints how
// many were handed over. One leaf in N sleeps (8; 0: none), which leaves the others something also where the machine
// is busy; on two idle processors --workers=16 --nap-every=64 makes the most in a second. It is for long runs, under
// ThreadSanitizer and without; it is no measurement.
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
// Many small trees: what is left to the others is short, and they come back soon.
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
constexpr int depth = 5;
constexpr long all = (1L << (depth + 1)) - 1;  // two trees and a leaf, down to one leaf

long number(const char* text, const char* name, long otherwise) {
    const std::size_t n = std::strlen(name);
    return std::strncmp(text, name, n) == 0 ? std::strtol(text + n, nullptr, 10) : otherwise;
}

}  // namespace

int main(int count, char** arguments) {
    long seconds = 60;
    long workers = 3;
    long nap_every = 8;
    for (int i = 1; i < count; ++i) {
        seconds = number(arguments[i], "--seconds=", seconds);
        workers = number(arguments[i], "--workers=", workers);
        nap_every = number(arguments[i], "--nap-every=", nap_every);
    }
    if (nap_every < 0 || seconds < 1 || workers < 1 || workers > bide::pool::max_workers) {
        std::fputs("usage: steals [--seconds=S] [--workers=N] [--nap-every=N]\n", stderr);
        return 2;
    }
    counters c;
    c.nap_every = static_cast<std::uint32_t>(nap_every);
    std::uint64_t rounds = 0;
    std::uint64_t failed = 0;
    std::uint64_t stopped = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    bide::pool p(static_cast<int>(workers));
    bide::set_unhandled_error_hook([](std::exception_ptr, const char*) {});  // failures beside one that decided
    std::uint64_t seed = 0;
    while (std::chrono::steady_clock::now() < end) {
        std::vector<bide::future<long>> flight;
        for (int i = 0; i < 64; ++i) {
            ++seed;
            flight.push_back(p.submit(tree, depth, seed, std::thread::id(), std::ref(c), seed % 4 == 0));
            if (seed % 16 == 1) flight.back().stop();
        }
        for (const bide::future<long>& f : flight) {
            ++rounds;
            try {
                if (f.wait() != all) {
                    std::fputs("steals: a wrong sum\n", stderr);
                    return 1;
                }
            } catch (const sometimes&) {
                ++failed;
            } catch (const bide::cancelled&) {
                ++stopped;
            }
        }
    }
    p.shutdown();
    std::printf(
        "steals: %llu handed over, %llu leaves, %llu rounds, of which %llu failed and %llu were stopped; %ld workers, "
        "%ld s\n",
        static_cast<unsigned long long>(c.elsewhere.load()), static_cast<unsigned long long>(c.leaves.load()),
        static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(failed),
        static_cast<unsigned long long>(stopped), workers, seconds);
    return 0;
}
