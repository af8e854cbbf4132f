// SPDX-License-Identifier: BSL-1.0
//
// virtual_clock: the time of a test. Apart from driver.hpp, because only tests and jobs have to see it.
#pragma once

#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/loop/driver.hpp>

#include <chrono>

namespace bide {
inline namespace v0 {
namespace detail {

/// A clock that stands still until everybody sleeps. Shared by the virtual drivers of one test, and by the jobs on
/// other threads that were submitted in it: while one of them has not ended, and does not wait inside bide, time stands
/// still.
class virtual_clock final : public counted {
public:
    [[nodiscard]] time_point now() const noexcept { return now_; }
    void advance_to(time_point t) noexcept {
        if (t > now_) now_ = t;
    }

    /// From any thread, before the job's thread can see the job.
    void job_begins() noexcept BIDE_EXCLUDES(m_);
    /// From any thread, after the job's result was posted.
    void job_ended() noexcept BIDE_EXCLUDES(m_);

private:
    friend class virtual_driver;
    time_point now_{std::chrono::hours(1)};  // not the epoch: differences must not hide behind zero
    os_mutex m_;
    os_condition changed_;
    long jobs_ BIDE_GUARDED_BY(m_) = 0;
};
/// The clock for loops that are made on this thread from now on; null: real time. Returns the former one.
counted_ptr<virtual_clock> use_clock(counted_ptr<virtual_clock> clock) noexcept;
[[nodiscard]] counted_ptr<virtual_clock> clock_of_this_thread() noexcept;
[[nodiscard]] owned_ptr<driver> make_virtual_driver(counted_ptr<virtual_clock> clock);

}  // namespace detail
}  // namespace v0
}  // namespace bide
