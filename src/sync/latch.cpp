// SPDX-License-Identifier: BSL-1.0
//
// latch: counting down, the destructor's check, and wait().
//
// Any thread calls count_down(); for a local_latch the thread of its loop. The thread that reaches zero claims every
// waiter under the lock and resumes them after the lock was given back: from then on a waiter may destroy the latch.
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/sync/latch.hpp>

#include <stdexcept>

namespace bide {
inline namespace v0 {

namespace {
std::ptrdiff_t not_negative(std::ptrdiff_t n) {
    if (n < 0) throw std::invalid_argument("latch: a count must not be negative");
    return n;
}
}  // namespace

template <class Lock>
basic_latch<Lock>::basic_latch(std::ptrdiff_t count) : count_(not_negative(count)) {}

template <class Lock>
basic_latch<Lock>::~basic_latch() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(waiters_, "latch");
}

template <class Lock>
void basic_latch<Lock>::throw_below_zero() {
    throw usage_error("latch: counted down below zero; it was made for fewer arrivals");
}

template <class Lock>
void basic_latch<Lock>::count_down(std::ptrdiff_t n) {
    not_negative(n);
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    if (n < count_)
        count_ -= n;
    else if (!finish(n, woken))
        throw_below_zero();
}

template <class Lock>
typename basic_latch<Lock>::arrive_op basic_latch<Lock>::arrive_and_wait(std::ptrdiff_t n) {
    return arrive_op(*this, not_negative(n));
}

template <class Lock>
void basic_latch<Lock>::wait(std::source_location where) {
    if (detail::current_context() == nullptr && try_wait()) return;  // nothing can cancel it: no need for a frame
    detail::as_task_of(*this).wait(where);
}

template <class Lock>
void basic_latch<Lock>::arrive_op::wait(std::source_location where) const {
    detail::as_task(*this).wait(where);
}

template class basic_latch<detail::spin_lock>;
template class basic_latch<detail::no_lock>;

}  // namespace v0
}  // namespace bide
