// SPDX-License-Identifier: BSL-1.0
//
// A deadline that was inherited from a task of a loop that stands still meanwhile, and so cannot tell us: the loop that
// is driven instead keeps it.
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

class deadline_while_standing final : timer_node, call_node {
public:
    /// Asks `stop` to stop when the context's deadline has passed, while `driven` is driven in place of `standing`.
    /// Does nothing where no loop stands still, or there is no deadline.
    deadline_while_standing(loop* standing, loop& driven, stop_state& stop, const context& ctx) noexcept
        : timer_node(&deadline_while_standing::on_time),
          call_node(&deadline_while_standing::on_posted),
          loop_(driven),
          stop_(stop),
          armed_(standing != nullptr && ctx.deadline != decltype(ctx.deadline)::max()) {
        if (!armed_) return;
        at = ctx.deadline;
        loop_access::arm(loop_, *this);
    }
    deadline_while_standing(const deadline_while_standing&) = delete;
    deadline_while_standing& operator=(const deadline_while_standing&) = delete;
    ~deadline_while_standing() {
        if (!armed_) return;
        {
            const lock_guard guard(loop_access::timers_lock(loop_));
            loop_access::disarm_locked(loop_, *this);
        }
        if (posted_) loop_access::run_until_set(loop_, ran_);  // the node is still in the queue
    }

    [[nodiscard]] bool passed() const noexcept { return ran_; }

private:
    static void on_time(timer_node* node) noexcept {  // under the timers' lock
        auto* self = static_cast<deadline_while_standing*>(node);
        self->posted_ = true;
        self->loop_.post(*self);
    }
    static void on_posted(call_node* node) noexcept {
        auto* self = static_cast<deadline_while_standing*>(node);
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
