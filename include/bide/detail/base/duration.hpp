// SPDX-License-Identifier: BSL-1.0
//
// Brings durations and points in time into the clock's range. Users give any representation and period: negative, zero,
// not a number, and larger than the clock can count.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <cstdint>
#include <ratio>
#include <type_traits>

namespace bide {
inline namespace v0 {
namespace detail {

/// Returns the duration, rounded up to the clock's ticks, without overflow. Negative ones and not-a-number give zero.
template <class Rep, class Period>
std::chrono::steady_clock::duration clamp_duration(const std::chrono::duration<Rep, Period>& d) noexcept {
    using target = std::chrono::steady_clock::duration;
    using factor = std::ratio_divide<Period, target::period>;
    if constexpr (std::is_integral_v<Rep> && sizeof(Rep) <= sizeof(target::rep) && factor::den == 1) {
        // The usual case, a whole number of ticks, without floating point.
        if (d.count() <= 0) return target::zero();
        if (static_cast<std::uint64_t>(d.count()) > static_cast<std::uint64_t>(target::max().count() / factor::num))
            return target::max();
        return target(static_cast<target::rep>(d.count()) * factor::num);
    }
    using wide = std::chrono::duration<long double, target::period>;
    const wide w = std::chrono::duration_cast<wide>(d);
    if (!(w > wide::zero())) return target::zero();  // negative, zero, not a number
    if (w >= wide(target::max())) return target::max();
    return std::chrono::ceil<target>(d);
}

/// Any point in time of the steady clock, likewise. What lies before the clock's beginning is the beginning: both are over.
template <class Duration>
std::chrono::steady_clock::time_point clamp_time_point(
    const std::chrono::time_point<std::chrono::steady_clock, Duration>& t) noexcept {
    return std::chrono::steady_clock::time_point(clamp_duration(t.time_since_epoch()));
}

/// The end of a wait: a duration from the await on, or a point in time.
class time_limit {
public:
    using clock = std::chrono::steady_clock;
    explicit time_limit(clock::duration from_now) noexcept : time_(from_now), relative_(true) {}
    explicit time_limit(clock::time_point at) noexcept : time_(at.time_since_epoch()), relative_(false) {}
    [[nodiscard]] bool never() const noexcept { return time_ == clock::duration::max(); }
    /// Returns the point in time; max() where it would be later than the clock can count.
    [[nodiscard]] clock::time_point from(clock::time_point now) const noexcept;

private:
    clock::duration time_;  // since the await if relative_, else since the clock's epoch
    bool relative_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
