// SPDX-License-Identifier: BSL-1.0
//
// semaphore: giving permits back, serving the waiters in their order, and wait().
//
// Any thread calls release(); for a local_semaphore the thread of its loop. That thread claims the waiters that get
// their permits under the lock, and the destructor of `woken`, which is declared before the lock's guard, resumes them
// after the lock was given back.
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/hooks.hpp>
#include <bide/sync/semaphore.hpp>

#include <exception>
#include <stdexcept>

namespace bide {
inline namespace v0 {

template <class Lock>
basic_semaphore<Lock>::basic_semaphore(std::ptrdiff_t available, std::ptrdiff_t highest)
    : available_(available), highest_(highest) {
    if (available < 0 || highest < 1 || available > highest)
        throw std::invalid_argument("semaphore: the count must be between zero and the highest count");
}

template <class Lock>
basic_semaphore<Lock>::~basic_semaphore() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(waiters_, "semaphore");
}

template <class Lock>
void basic_semaphore<Lock>::need_possible(std::ptrdiff_t n) const {
    if (n < 1 || n > highest_)
        throw std::invalid_argument("semaphore: acquire needs at least one, and not more than there can ever be");
}

// Serves waiters from the front, as long as there are enough permits. A waiter that was stopped keeps its place until
// its frame is unwound (only a claim would tell); its destructor then leaves the list and calls this function again.
template <class Lock>
void basic_semaphore<Lock>::serve(detail::claimed_leaves& woken) noexcept {
    while (detail::leaf* l = waiters_.front()) {
        const std::ptrdiff_t wanted = static_cast<awaiter*>(l)->n_;
        if (wanted > available_) return;
        waiters_.remove(*l);
        if (!l->claim()) continue;
        available_ -= wanted;
        woken.add(*l);
    }
}

template <class Lock>
void basic_semaphore<Lock>::leave(awaiter& a) noexcept {
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    if (!a.linked) return;
    waiters_.remove(a);
    serve(woken);
}

template <class Lock>
void basic_semaphore<Lock>::release(std::ptrdiff_t n) {
    if (n < 0) throw std::invalid_argument("semaphore: release of a negative number");
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    if (n > highest_ - available_)
        throw usage_error("semaphore: released above its highest count; release what was acquired, once");
    available_ += n;
    serve(woken);
}

template <class Lock>
typename basic_semaphore<Lock>::permit basic_semaphore<Lock>::try_acquire(std::ptrdiff_t n) {
    need_possible(n);
    const detail::lock_guard hold(lock_);
    return take(n) ? permit(*this, n) : permit();
}

template <class Lock>
typename basic_semaphore<Lock>::acquire_op basic_semaphore<Lock>::acquire(std::ptrdiff_t n) {
    need_possible(n);
    return acquire_op(*this, n);
}

template <class Lock>
void basic_semaphore<Lock>::permit::unlock() {
    if (semaphore_ == nullptr)
        throw usage_error("semaphore: this permit is empty; it was unlocked, disowned or moved from");
    std::exchange(semaphore_, nullptr)->release(count_);
}

template <class Lock>
void basic_semaphore<Lock>::permit::drop() noexcept {
    try {
        unlock();
    } catch (...) {
        report_unhandled(std::current_exception(), "the destructor of a semaphore's permit");
    }
}

template <class Lock>
typename basic_semaphore<Lock>::permit basic_semaphore<Lock>::acquire_op::wait(std::source_location where) const {
    if (detail::current_context() == nullptr) {  // nothing can cancel it: no need for a frame
        permit now = semaphore_->try_acquire(n_);
        if (now) return now;
    }
    return detail::as_task(*this).wait(where);
}

template class basic_semaphore<detail::spin_lock>;
template class basic_semaphore<detail::no_lock>;

}  // namespace v0
}  // namespace bide
