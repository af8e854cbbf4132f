// SPDX-License-Identifier: BSL-1.0
//
// The parts of a short spin that need not be in line: they count the processors and the threads that spin at the same
// time, and decide how many spins are skipped after one that did not help. A thread that is about to sleep (a loop's, a
// worker's) calls them.
#include <bide/detail/base/process.hpp>
#include <bide/detail/base/short_spin.hpp>

#include <sched.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr unsigned most_skips = 63;
constinit std::atomic<int> spinning{0};
constinit std::atomic<int> counted_in{0};  // the process that `spinning` counts: a child has none of its parent's
constinit std::atomic<int> known_processors{0};
}  // namespace

unsigned count_processors() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    unsigned n = 1;
    if (::sched_getaffinity(::getpid(), sizeof set, &set) == 0) n = static_cast<unsigned>(CPU_COUNT(&set));
    if (std::FILE* f = std::fopen("/sys/fs/cgroup/cpu.max", "re")) {
        long long quota = 0;  // "max 100000" where there is none
        long long period = 0;
        if (std::fscanf(f, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
            n = std::min(n, static_cast<unsigned>((quota + period - 1) / period));
        std::fclose(f);
    }
    return std::max(n, 1U);
}

bool short_spin::begin() noexcept {
    // relaxed, throughout: the counts are a limit and publish nothing; one thread too many or too few does no harm.
    int processors = known_processors.load(std::memory_order_relaxed);
    if (processors == 0) {
        processors = static_cast<int>(count_processors());
        known_processors.store(processors, std::memory_order_relaxed);
    }
    if (processors == 1) return false;
    const int here = process_generation();
    if (counted_in.load(std::memory_order_relaxed) != here) {
        counted_in.store(here, std::memory_order_relaxed);
        spinning.store(0, std::memory_order_relaxed);
    }
    if (spinning.fetch_add(1, std::memory_order_relaxed) < processors) return true;
    spinning.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

void short_spin::end(bool found) noexcept {
    spinning.fetch_sub(1, std::memory_order_relaxed);
    wider_ = found ? 0 : std::min(2 * wider_ + 1, most_skips);
    skips_ = wider_;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
