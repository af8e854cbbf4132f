// SPDX-License-Identifier: BSL-1.0
//
// event: set(), the destructor's check, and wait().
//
// Any thread calls set(); for a local_event the thread of its loop. set() claims every waiter under the lock, and the
// destructor of `woken` resumes them after the lock was given back: from then on a waiter may destroy the event.
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/sync/event.hpp>

namespace bide {
inline namespace v0 {

template <class Lock>
basic_event<Lock>::~basic_event() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(waiters_, "event");
}

template <class Lock>
void basic_event<Lock>::set() noexcept {
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    set_ = true;
    while (detail::leaf* l = waiters_.pop_claimed()) woken.add(*l);
}

template <class Lock>
void basic_event<Lock>::wait(std::source_location where) {
    if (detail::current_context() == nullptr && is_set()) return;  // nothing can cancel it: no need for a frame
    detail::as_task_of(*this).wait(where);
}

template class basic_event<detail::spin_lock>;
template class basic_event<detail::no_lock>;

}  // namespace v0
}  // namespace bide
