// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/short_spin.hpp>

#include <sched.h>
#include <algorithm>
#include <cstdio>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr unsigned most_skips = 63;
constinit std::atomic<unsigned> spinning{0};
}  // namespace

unsigned count_processors() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    unsigned n = 1;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) n = static_cast<unsigned>(CPU_COUNT(&set));
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
    static const unsigned processors = count_processors();  // of the first thread that asks; later ones are not told
    if (processors == 1) return false;
    // relaxed: only a limit; nothing is passed on by it.
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
