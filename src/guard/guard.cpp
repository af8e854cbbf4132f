// SPDX-License-Identifier: BSL-1.0
//
// guard: begins an operation under a context of its own, and resumes or unwinds the awaiting frame when it has ended.
//
// run() is called by the awaiting frame's await_suspend, on that frame's thread. on_ended() is called on the executor
// on which the operation ended.
#include <bide/detail/base/rules.hpp>
#include <bide/detail/guard/guard.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

bool guard::run(promise_base& awaiting, slot_base& child) noexcept {
    materialize_context(&awaiting);
    waiting_frame = &awaiting;
    context& outer = *awaiting.ctx;
    ctx_.ex = outer.ex;
    ctx_.stop = &stop_;
    ctx_.deadline = outer.deadline;
    ctx_.locals = outer.locals;
    ctx_.owner = outer.owner;
    before_ = std::exchange(outer.owner->active, &ctx_);
    enter(outer);
    if (start_nested(child.prepare(this, &ctx_, attached))) return true;
    // The operation ended in line: no other thread knows of this guard, unless leave() returns false.
    if (!leave(true)) return true;
    restore();
    if (!passes_on()) return false;
    promise_base* const p = waiting_frame;
    detach(p);
    post(p, step::unwind);
    return true;
}

void guard::on_ended(child_end* self, [[maybe_unused]] slot_base* s) noexcept {
    BIDE_ASSERT(K6, (s->flags & attached) == 0);
    auto* g = static_cast<guard*>(self);
    if (g->leave(false)) g->finish();
}

void guard::finish() noexcept {
    restore();
    post(waiting_frame, passes_on() ? step::unwind : step::resume);
}

void guard::restore() noexcept {
    ctx_.owner->active = before_;
    stop_.unlink();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
