// SPDX-License-Identifier: BSL-1.0
//
// timer_coalescer: how long a loop sleeps for its timers. To sleep and to be woken costs ten or twenty microseconds of
// the processor, several times what most timers have to do. So where they fall due one after another every few of
// those, the loop sleeps a little longer, up to a millisecond, and fires many at once. None fires early.
//
// A timer by itself, a task that sleeps again and again, and timers for one and the same time are not delayed by this:
// it takes four others that have fallen due while the loop was being woken for the first one, and the same just before.
#pragma once

#include <bide/detail/base/std_parts.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

class timer_coalescer {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;
    static constexpr duration longest = std::chrono::milliseconds(1);

    /// Until when to sleep, if the first timer is at `first`.
    [[nodiscard]] time_point sleeps_for(time_point first) noexcept {
        first_ = first;
        others_ = 0;
        waits_ = first <= time_point::max() - longest;  // not for ever
        return waits_ ? first + longer_ : first;
    }
    /// A timer fires.
    void fires(time_point at) noexcept {
        if (waits_ && at > first_) ++others_;
    }
    /// None is due yet: something else woke it.
    void woken_early() noexcept { waits_ = false; }
    /// All that were due by `now` have fired. (There may have been none: what was the first may have been taken back.)
    void fired(time_point now) noexcept {
        if (!waits_) return;
        waits_ = false;
        if (now - woken_ > 2 * longest)
            longer_ = duration::zero();
        else if (others_ >= enough)
            longer_ = shorter(2 * longer_ + step, longest);
        else
            longer_ /= 2;
        woken_ = now;
    }

private:
    static duration shorter(duration a, duration b) noexcept { return a < b ? a : b; }
    static constexpr unsigned enough = 4;
    static constexpr duration step = std::chrono::microseconds(50);

    time_point first_{};
    time_point woken_{};  // for timers, when it last was
    duration longer_{};
    unsigned others_ = 0;
    bool waits_ = false;  // it sleeps for a timer, or has not yet seen what was due then
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
