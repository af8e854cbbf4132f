// SPDX-License-Identifier: BSL-1.0
//
// short_spin: a thread that has nothing to do looks for a few microseconds more before it sleeps. To fall asleep and
// to be woken costs both sides several times what a short piece of work on another processor takes.
//
// Only where another processor may do that work: never where this process has but one, and no more threads at a time
// than it has processors. Where spinning does not help (whoever could wake us is not running, or takes longer), it is
// tried more and more rarely, down to once in 64 sleeps; the first success brings it back. An idle thread uses no
// processor at all.
#pragma once

#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/base/std_parts.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

/// What this process may use now: the affinity of its first thread, and the quota of its control group.
[[nodiscard]] unsigned count_processors() noexcept;

class short_spin {
public:
    static constexpr std::chrono::microseconds limit{20};

    /// True: `there()` has become true. By one thread at a time. It is asked after so many pauses each time: often where
    /// others write what it reads once, rarely where they write it all the time.
    template <class There>
    [[nodiscard]] bool look(const There& there, unsigned pauses = 1) noexcept {
        if (skips_ != 0) {
            --skips_;
            return false;
        }
        if (!begin()) return false;
        const bool found = spin(there, pauses);
        end(found);
        return found;
    }

private:
    template <class There>
    static bool spin(const There& there, unsigned pauses) noexcept {
        const auto until = std::chrono::steady_clock::now() + limit;
        do {
            for (unsigned i = 0; i < 16; i += pauses) {
                if (there()) return true;
                for (unsigned k = 0; k < pauses; ++k) {
                    unsigned round = 0;
                    spin_wait(round);
                }
            }
        } while (std::chrono::steady_clock::now() < until);
        return there();
    }
    [[nodiscard]] static bool begin() noexcept;
    void end(bool found) noexcept;

    unsigned skips_ = 0;  // so many sleeps without it
    unsigned wider_ = 0;  // so many after the next failure
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
