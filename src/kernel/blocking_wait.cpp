// SPDX-License-Identifier: BSL-1.0
//
// What a wait() in plain code does when its task has ended. on_ended() runs on the executor on which the task ended,
// and tells the waiting thread: directly, when that executor is the loop which the waiting thread drives, else by a
// node that is posted to that loop. The driving itself is in loop/wait.cpp.
#include "kernel/this_thread.hpp"

#include <bide/detail/kernel/blocking_wait.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void blocking_wait_base::on_ended(child_end* self, slot_base*) noexcept {
    auto& waited = *static_cast<blocking_wait_base*>(self);
    if (this_thread.ended_on == waited.ctx.ex)
        waited.done_ = true;
    else
        waited.ctx.ex->post(waited.return_post_);  // the last use of `waited`: its thread may return now
}

void blocking_wait_base::throw_cancelled() const {
    throw cancelled(stop.requested() ? stop.reason() : stop_reason::user);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
