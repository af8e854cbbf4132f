// SPDX-License-Identifier: BSL-1.0
//
// virtual_time: makes a test of an hour end in a millisecond.
//
// Each loop that this thread makes while the guard lives (so also those of wait() and with_scope() in plain code) uses
// the guard's clock. The clock stands still while any task is ready, and jumps to the next timer when none is.
//
//     bide::testing::virtual_time time;
//     bide::sleep_for(1h).wait();
//     EXPECT_EQ(time.elapsed(), 1h);
//
// Thread rule: the thread that made the guard uses and destroys it. Loops of other threads keep their own time. The
//   clock does not jump while a job on bide's threads is pending whose end will wake this thread.
// Lifetime rule: loops that were made under the guard are destroyed before it. A guard in a guard has a clock of its
//   own.
// Cancellation: nothing here waits.
// Destructor: loops that are made afterwards use the clock from before the guard.
// Errors: an operation that has to wait for a descriptor or a signal throws std::logic_error on a loop of the guard.
// Units: std::chrono durations; now() is a time_point of steady_clock that is related to no other clock.
#pragma once

#include <bide/detail/loop/virtual_clock.hpp>

#include <chrono>
#include <utility>

namespace bide {
inline namespace v0 {
namespace testing {

class virtual_time {
public:
    virtual_time()
        : clock_(detail::make_counted<detail::virtual_clock>()),
          began_(clock_->now()),
          before_(detail::use_clock(clock_)) {}
    virtual_time(const virtual_time&) = delete;
    virtual_time& operator=(const virtual_time&) = delete;
    ~virtual_time() { detail::use_clock(std::move(before_)); }

    /// The time of the guard's clock.
    [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept { return clock_->now(); }
    /// The time by which the guard's clock has advanced since the guard was made.
    [[nodiscard]] std::chrono::steady_clock::duration elapsed() const noexcept { return clock_->now() - began_; }

private:
    detail::counted_ptr<detail::virtual_clock> clock_;
    std::chrono::steady_clock::time_point began_;
    detail::counted_ptr<detail::virtual_clock> before_;
};

}  // namespace testing
}  // namespace v0
}  // namespace bide
