// SPDX-License-Identifier: BSL-1.0
//
// time.hpp: sleep, give way, and put a deadline on anything.
//
//     co_await bide::sleep_for(10ms);
//     std::string page = co_await bide::with_timeout(2s, fetch(url));   // throws timed_out
//
// Durations: zero and negative ones are over at once (the task still passes a cancellation point); max() is for ever.
// Cancellation: a sleeping task that is asked to stop unwinds at once.
// Thread rule: the awaitables are values; await them anywhere. In plain code: bide::wait(sleep_for(10ms)) or .wait().
#pragma once

#include <bide/detail/sleep.hpp>
#include <bide/wait.hpp>

#include <chrono>

namespace bide {
inline namespace v0 {

namespace detail {
template <class T> class sleep_op {
public:
    explicit sleep_op(T t) noexcept : t_(t) {}
    [[nodiscard]] sleep_awaiter native_awaiter(promise_base& p) const noexcept { return sleep_awaiter(p, t_); }
    void wait(std::source_location where = std::source_location::current()) const { as_task(*this).wait(where); }

private:
    T t_;
};
class yield_op {
public:
    yield_op() noexcept = default;
    [[nodiscard]] yield_awaiter native_awaiter(promise_base& p) const noexcept { return yield_awaiter(p); }
};
/// Any duration, rounded up to the clock's, without overflow.
template <class Rep, class Period>
std::chrono::steady_clock::duration clamp_duration(const std::chrono::duration<Rep, Period>& d) noexcept {
    using target = std::chrono::steady_clock::duration;
    using wide = std::chrono::duration<long double, target::period>;
    const wide w = std::chrono::duration_cast<wide>(d);
    if (!(w > wide::zero())) return target::zero(); // negative, zero, not a number
    if (w >= wide(target::max())) return target::max();
    return std::chrono::ceil<target>(d);
}
} // namespace detail

/// Waits for the duration.
template <class Rep, class Period>
[[nodiscard]] auto sleep_for(const std::chrono::duration<Rep, Period>& d) noexcept {
    return detail::sleep_op<std::chrono::steady_clock::duration>(detail::clamp_duration(d));
}

/// Waits until the steady clock of the loop shows `t`.
[[nodiscard]] inline auto sleep_until(std::chrono::steady_clock::time_point t) noexcept {
    return detail::sleep_op<std::chrono::steady_clock::time_point>(t);
}

/// Lets every other ready task of the executor run first.
[[nodiscard]] inline detail::yield_op yield_now() noexcept {
    return detail::yield_op();
}

} // namespace v0
} // namespace bide
