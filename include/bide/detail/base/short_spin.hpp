// SPDX-License-Identifier: BSL-1.0
//
// short_spin: a thread that has nothing to do spins for some microseconds before it sleeps. Going to sleep and being
// woken costs the sleeper and the waker several times what a short piece of work on another processor takes.
//
// A thread spins only where another processor may do that work: never in a process that may use one processor, and
// never more threads at a time than there are processors. Where spinning does not help, because the waker does not run
// or takes longer, it is tried more and more rarely, down to once in 64 sleeps. The first success resets that. An idle
// thread uses no processor.
#pragma once

#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/base/std_parts.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

/// How many processors this process may use now, by the affinity of its first thread and the quota of its control
/// group.
[[nodiscard]] unsigned count_processors() noexcept;

class short_spin {
public:
    static constexpr std::chrono::microseconds limit{20};

    /// Returns true if `there()` has become true. One thread at a time calls it. `pauses` is how many pauses lie
    /// between two calls of `there()`: few where other threads write its word once, many where they write it all the
    /// time.
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

    unsigned skips_ = 0;  // how many sleeps will not be preceded by a spin
    unsigned wider_ = 0;  // the last value that skips_ was set to
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
