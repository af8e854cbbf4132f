// SPDX-License-Identifier: BSL-1.0
//
// The clock and the driver of a test. Virtual time stands still while a task is ready, and jumps to the next timer when
// none is. While a job on another thread runs, whose end will wake the loop, the driver sleeps in real time and virtual
// time does not move. The loops' threads call the driver; any thread calls job_begins and job_ended.
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/loop/virtual_clock.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

void virtual_clock::job_begins() noexcept {
    const lock_guard guard(m_);
    ++jobs_;
}

void virtual_clock::job_ended() noexcept {
    const lock_guard guard(m_);
    if (--jobs_ == 0) changed_.notify_all();
}

class virtual_driver final : public driver {
public:
    explicit virtual_driver(counted_ptr<virtual_clock> of) noexcept : clock_(std::move(of)) { clock = clock_.get(); }

    time_point now() noexcept override { return clock_->now(); }

    void park(time_point until) noexcept override {
        unique_lock guard(clock_->m_);
        const bool timer = until != time_point::max();
        const bool had_jobs = clock_->jobs_ != 0;
        // A post() on another thread wakes the loop. With no timer and no such thread the test hangs here for ever.
        while (!woken_ && !(timer && clock_->jobs_ == 0)) clock_->changed_.wait(guard);
        // The last job may have posted a node before it ended: the loop runs that node before time advances.
        if (!woken_ && !had_jobs) clock_->advance_to(until);
        woken_ = false;
    }
    bool park_at_most(std::chrono::milliseconds real) noexcept override {
        unique_lock guard(clock_->m_);
        static_cast<void>(clock_->changed_.wait_for(guard, real, [this] { return woken_; }));
        return std::exchange(woken_, false);
    }
    bool jumps() const noexcept override { return true; }
    bool no_jobs() noexcept override {
        const lock_guard guard(clock_->m_);
        return clock_->jobs_ == 0;
    }
    void only_yields(time_point until) noexcept override {
        const lock_guard guard(clock_->m_);
        if (until != time_point::max() && clock_->jobs_ == 0) clock_->advance_to(until);
    }
    void poll() noexcept override {}
    void wake() noexcept override {
        const lock_guard guard(clock_->m_);
        woken_ = true;
        clock_->changed_.notify_all();
    }
    const counted_ptr<fd_watcher>& watcher() override {
        throw std::logic_error("bide: real descriptors cannot be watched in virtual time; use a loop on real time");
    }
    int descriptor() override {
        throw std::logic_error("bide: a loop on virtual time has no descriptor; use a loop on real time");
    }
    bool watches_anything() const noexcept override { return false; }

private:
    counted_ptr<virtual_clock> clock_;
    bool woken_ = false;  // guarded by clock_->m_, which an attribute cannot name through a counted_ptr
};

namespace {
thread_local counted_ptr<virtual_clock> clock_here;
}

counted_ptr<virtual_clock> use_clock(counted_ptr<virtual_clock> clock) noexcept {
    tls().clock = clock.get();
    return std::exchange(clock_here, std::move(clock));
}

counted_ptr<virtual_clock> clock_of_this_thread() noexcept { return clock_here; }

owned_ptr<driver> make_virtual_driver(counted_ptr<virtual_clock> clock) {
    return make_owned<virtual_driver>(std::move(clock));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
