// SPDX-License-Identifier: BSL-1.0
//
// virtual_clock: the time of a test. It has a header of its own, because only tests and jobs have to see it.
#pragma once

#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/loop/driver.hpp>

#include <chrono>

namespace bide {
inline namespace v0 {
namespace detail {

/// A clock that stands still until every loop of a test sleeps. The test's virtual drivers share it with the jobs on
/// other threads that were submitted in the test: time stands still also while a job runs, which is until it has ended
/// or waits inside bide.
class virtual_clock final : public counted {
public:
    [[nodiscard]] time_point now() const noexcept { return now_; }
    void advance_to(time_point t) noexcept {
        if (t > now_) now_ = t;
    }

    /// Counts a job; from any thread, before the job's thread can see the job.
    void job_begins() noexcept BIDE_EXCLUDES(m_);
    /// Takes a job off the count; from any thread, after the job's result was posted.
    void job_ended() noexcept BIDE_EXCLUDES(m_);

private:
    friend class virtual_driver;
    time_point now_{std::chrono::hours(1)};  // not the epoch, from which a time that was never set could not be told
    os_mutex m_;
    os_condition changed_;
    long jobs_ BIDE_GUARDED_BY(m_) = 0;  // jobs that run
};
/// Sets the clock of loops that this thread makes from now on; null: real time. Returns the former one.
counted_ptr<virtual_clock> use_clock(counted_ptr<virtual_clock> clock) noexcept;
[[nodiscard]] counted_ptr<virtual_clock> clock_of_this_thread() noexcept;
[[nodiscard]] owned_ptr<driver> make_virtual_driver(counted_ptr<virtual_clock> clock);

}  // namespace detail
}  // namespace v0
}  // namespace bide
