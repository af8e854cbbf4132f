// SPDX-License-Identifier: BSL-1.0
//
// timer_coalescer: how long a loop sleeps for its timers. A sleep and its wake-up cost ten or twenty microseconds of
// the processor, several times what most timers have to do. So where timers fall due one after another every few
// microseconds, the loop sleeps a little longer, up to a millisecond, and fires many at once. None fires early.
//
// The coalescer does not delay a timer by itself, a task that sleeps again and again, or timers for one and the same
// time. It begins to delay only where four later timers have fallen due while the loop was being woken for the first
// one, and the wake-up before was at most two milliseconds ago.
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

    /// Returns the time until which the loop sleeps, if the first timer is due at `first`.
    [[nodiscard]] time_point sleeps_for(time_point first) noexcept {
        first_ = first;
        others_ = 0;
        waits_ = first <= time_point::max() - longest;  // false for a sleep without an end
        return waits_ ? first + longer_ : first;
    }
    /// The loop fires a timer that was due at `at`.
    void fires(time_point at) noexcept {
        if (waits_ && at > first_) ++others_;
    }
    /// No timer is due yet: the loop was woken for another reason.
    void woken_early() noexcept { waits_ = false; }
    /// All timers that were due by `now` have fired. There may have been none: the first may have been taken out.
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

    time_point first_{};   // the timer for which the loop sleeps
    time_point woken_{};   // the last wake-up for timers
    duration longer_{};    // how much longer the next sleep lasts
    unsigned others_ = 0;  // timers after first_ that fired at this wake-up
    bool waits_ = false;   // the loop sleeps for first_, or has not yet fired what was due at the wake-up
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
