// SPDX-License-Identifier: BSL-1.0
//
// The deadline of a nested wait(). The deadline was inherited from a task of the blocked loop, where its timer cannot
// fire meanwhile: so the loop that is driven instead has a second timer. blocking_wait_base::drive makes one, on the
// waiting thread.
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

class nested_wait_deadline final : timer_node, call_node {
public:
    /// Asks `stop` to stop when the context's deadline has passed, while `driven` is driven in place of `blocked`.
    /// Does nothing where no loop is blocked, or there is no deadline.
    nested_wait_deadline(loop* blocked, loop& driven, stop_state& stop, const context& ctx) noexcept
        : timer_node(&nested_wait_deadline::on_time),
          call_node(&nested_wait_deadline::on_posted),
          loop_(driven),
          stop_(stop),
          armed_(blocked != nullptr && ctx.deadline != decltype(ctx.deadline)::max()) {
        if (!armed_) return;
        due = ctx.deadline;
        loop_access::arm(loop_, *this);
    }
    nested_wait_deadline(const nested_wait_deadline&) = delete;
    nested_wait_deadline& operator=(const nested_wait_deadline&) = delete;
    ~nested_wait_deadline() {
        if (!armed_) return;
        {
            const lock_guard guard(loop_access::timers_lock(loop_));
            loop_access::disarm_locked(loop_, *this);
        }
        if (posted_) loop_access::run_until_set(loop_, ran_);  // the node is still in the queue
    }

    [[nodiscard]] bool passed() const noexcept { return ran_; }

private:
    // Called with the timers' lock held, under which no stop callback may run: so the node asks later, in a turn.
    static void on_time(timer_node* node) noexcept {
        auto* self = static_cast<nested_wait_deadline*>(node);
        self->posted_ = true;
        self->loop_.post(*self);
    }
    static void on_posted(call_node* node) noexcept {
        auto* self = static_cast<nested_wait_deadline*>(node);
        self->stop_.request(stop_reason::deadline);
        self->ran_ = true;
    }
    loop& loop_;
    stop_state& stop_;
    const bool armed_;
    bool posted_ = false;
    std::atomic<bool> ran_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
