// SPDX-License-Identifier: BSL-1.0
//
// virtual_time: a test of an hour that takes a millisecond.
//
// While the guard lives, every loop made on this thread (so also wait() and with_scope() in plain code) has a clock
// that stands still while anything is ready and jumps to the next timer when nothing is.
//
//     bide::testing::virtual_time time;
//     bide::sleep_for(1h).wait();
//     EXPECT_EQ(time.elapsed(), 1h);
//
// Thread rule: one thread. Loops on other threads keep their own time. While jobs on bide's threads are pending that
// will wake this thread, time does not jump. Lifetime rule: loops that were made under the guard end before it does.
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

    [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept { return clock_->now(); }
    /// Since the guard was made.
    [[nodiscard]] std::chrono::steady_clock::duration elapsed() const noexcept { return clock_->now() - began_; }

private:
    detail::counted_ptr<detail::virtual_clock> clock_;
    std::chrono::steady_clock::time_point began_;
    detail::counted_ptr<detail::virtual_clock> before_;
};

}  // namespace testing
}  // namespace v0
}  // namespace bide
