// SPDX-License-Identifier: BSL-1.0
//
// The guard behind with_timeout, with_deadline and the limit of a cleanup.
//
// The timer fires under the loop's timer lock, where nothing of the user's may run; so it only posts a node, and the
// node asks the operation to stop. If the operation ends while that node is on its way, the node completes the guard.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/detail/loop/timer_heap.hpp>
#include <bide/error.hpp>

#include <cstdint>
#include <ratio>
#include <type_traits>

namespace bide {
inline namespace v0 {
namespace detail {

/// Any duration, rounded up to the clock's, without overflow.
template <class Rep, class Period>
std::chrono::steady_clock::duration clamp_duration(const std::chrono::duration<Rep, Period>& d) noexcept {
    using target = std::chrono::steady_clock::duration;
    using factor = std::ratio_divide<Period, target::period>;
    if constexpr (std::is_integral_v<Rep> && sizeof(Rep) <= sizeof(target::rep) && factor::den == 1) {
        // Whole numbers of whole ticks, as nearly all are: without floating point.
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

/// Until when: from the await on, or a point in time.
class time_limit {
public:
    using clock = std::chrono::steady_clock;
    explicit time_limit(clock::duration from_now) noexcept : time_(from_now), relative_(true) {}
    explicit time_limit(clock::time_point at) noexcept : time_(at.time_since_epoch()), relative_(false) {}
    [[nodiscard]] bool never() const noexcept { return time_ == clock::duration::max(); }
    /// The point in time, and never later than max().
    [[nodiscard]] clock::time_point from(clock::time_point now) const noexcept;

private:
    clock::duration time_;  // from the await on, or from the clock's beginning
    bool relative_;
};

class deadline_guard : public guard, private timer_node, private call_node {
public:
    using parameters = time_limit;

protected:
    explicit deadline_guard(time_limit limit, bool shielded = false) noexcept;
    ~deadline_guard() = default;

    void enter(context& outer) noexcept override;
    [[nodiscard]] bool leave(bool in_line) noexcept override;
    void ended_without_value() noexcept override;
    /// It was this guard that asked the operation to stop.
    [[nodiscard]] bool expired() const noexcept { return expired_; }
    [[noreturn]] void throw_stopped() const;

private:
    [[nodiscard]] bool disarm(bool in_line) noexcept;
    static void on_time(timer_node* self) noexcept;
    static void on_posted(call_node* self) noexcept;

    time_limit limit_;
    loop* carrier_ = nullptr;  // where a timer was armed
    bool shielded_;
    bool expired_ = false;
    bool posted_ = false;   // the node is on its way; under the carrier's timer lock, as is the next
    bool waiting_ = false;  // the operation has ended meanwhile
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
