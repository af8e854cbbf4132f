// SPDX-License-Identifier: BSL-1.0
//
// with_scope in plain code, and scope_ref.
//
// sync_scope_frame lives on the native stack of the thread that called with_scope; drain() drives an idle loop on that
// thread until the scope has ended. Any thread may start through a scope_ref, also when the scope has ended: pin()
// finds that out.
#include "loop/nested_wait_deadline.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/hooks.hpp>
#include <bide/scope.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

void join_op::wait(std::source_location where) const { as_task(*this).wait(where); }

namespace {
task<> to_the_end(scope_core& core) { co_await end_of_scope_op(core); }
}  // namespace

sync_scope_frame::sync_scope_frame(scope_core& core)
    : core_(core),
      state_(tls()),
      before_(state_.current),
      end_(to_the_end(core)),
      nested_wait_(state_, &core, state_.running_loop),
      shielded_(unwinding_now()) {
    core_.open(idle_.get(), current_context(), shielded_);
    core_.enlist();
    state_.current = &core_;
}

void sync_scope_frame::leave_body() noexcept { state_.current = before_; }

sync_scope_frame::~sync_scope_frame() {
    if (end_) destroy_cold(end_.release());  // everything had ended before the body had
}

bool sync_scope_frame::drain() {
    core_.apply_exit_mode();
    bool late = false;
    if (!core_.close_if_ended()) {
        const nested_wait_deadline deadline(state_.running_loop, idle_.get(), core_.stop, core_.ctx);
        end_.wait(core_.started);
        late = deadline.passed();
    }
    core_.delist();
    if (!shielded_ || core_.body_has_failed()) return core_.conclude(late);
    try {
        return core_.conclude(late);
    } catch (...) {  // 2.4: what waits during unwinding does not throw
        report_unhandled(std::current_exception(), "a scope during unwinding");
        return false;
    }
}

}  // namespace detail

scope_ref::scope_ref(detail::scope_door* door) noexcept : door_(door) {
    door_->refs.add();  // the scope has one
}
scope_ref::scope_ref(const scope_ref& other) noexcept : scope_ref(other.door_) {}
scope_ref& scope_ref::operator=(const scope_ref& other) noexcept {
    scope_ref copy(other);
    std::swap(door_, copy.door_);
    return *this;
}
scope_ref::~scope_ref() { door_->drop(); }

detail::scope_core& scope_ref::pin() const {
    const detail::lock_guard guard(door_->lock);
    if (door_->core == nullptr || !door_->core->pin()) throw scope_closed();
    return *door_->core;
}

}  // namespace v0
}  // namespace bide
