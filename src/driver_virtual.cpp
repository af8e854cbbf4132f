// SPDX-License-Identifier: BSL-1.0
//
// Time for tests: it stands still while anything is ready and jumps to the next timer when nothing is. While jobs on
// other threads are pending, which will wake the loop, it sleeps for real and time does not move.
#include <bide/detail/driver.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

class virtual_driver final : public driver {
public:
    explicit virtual_driver(std::shared_ptr<virtual_clock> clock) noexcept : clock_(std::move(clock)) {}

    time_point now() noexcept override { return clock_->now(); }

    void park(time_point until, bool outside) noexcept override {
        if (until != time_point::max() && !outside) {
            clock_->advance_to(until);
            return;
        }
        std::unique_lock guard(m_);
        // Woken by post() from another thread. With no timer and nothing pending a test would hang here for ever.
        changed_.wait(guard, [this] { return woken_; });
        woken_ = false;
    }
    void only_yields(time_point until) noexcept override {
        if (until != time_point::max()) clock_->advance_to(until);
    }
    void poll() noexcept override {}
    void wake() noexcept override {
        const std::lock_guard guard(m_);
        woken_ = true;
        changed_.notify_one();
    }
    const std::shared_ptr<fd_watcher>& watcher() override {
        throw std::logic_error("bide: real descriptors cannot be watched in virtual time; use a loop on real time");
    }
    int descriptor() override {
        throw std::logic_error("bide: a loop on virtual time has no descriptor; use a loop on real time");
    }
    bool watches_anything() const noexcept override { return false; }
    bool current() const noexcept override {
        std::shared_ptr<virtual_clock> here = use_clock(nullptr);
        const bool same = here == clock_;
        use_clock(std::move(here));
        return same;
    }

private:
    std::shared_ptr<virtual_clock> clock_;
    std::mutex m_;
    std::condition_variable changed_;
    bool woken_ = false;
};

}  // namespace

std::unique_ptr<driver> make_virtual_driver(std::shared_ptr<virtual_clock> clock) {
    return std::make_unique<virtual_driver>(std::move(clock));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
