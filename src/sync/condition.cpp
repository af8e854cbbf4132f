// SPDX-License-Identifier: BSL-1.0
//
// condition: waiting, which gives the mutex up, and the two notifications, which take it again for the waiter.
//
// The waiting task's thread parks the leaf; the notifying thread claims it and calls relock(), which takes the mutex
// for the waiter or parks the leaf in the mutex's list. So a leaf is in one of two lists, each under its primitive's
// lock. Lock order: the condition's, then the mutex's.
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/sync/condition.hpp>

namespace bide {
inline namespace v0 {

namespace detail {

inline constexpr wait_kind condition_kind{"condition", true};

namespace {
template <class Guard, class Mutex>
Mutex& mutex_of(const Guard& held, Mutex* m) {
    if (!held.owns_lock()) throw_not_held("condition: wait needs a guard that owns its mutex; mutex");
    return *m;
}
}  // namespace

template <class Lock>
condition_awaiter<Lock>::condition_awaiter(promise_base& p, basic_condition<Lock>& c, guard& held)
    : base(p, condition_kind, &c), condition_(c), held_(held), mutex_(mutex_of(held, held.mutex_)) {}

template <class Lock>
bool condition_awaiter<Lock>::park() noexcept {
    this->note();         // the edge has no target yet: no task is known that will notify
    claimed_leaves next;  // the next holder of the mutex; the destructor resumes it after the lock was given back
    const lock_guard hold(condition_.lock_);
    detach(this->frame);
    held_.mutex_ = nullptr;
    this->acquirer = mutex_.holder_.get();
    // With the condition's lock held: if the next holder of the mutex notifies, it finds this leaf in the list.
    if (leaf* const l = mutex_.hand_to_next()) next.add(*l);
    if (!condition_.waiters_.park(*this)) post(this->frame, step::unwind);
    return true;
}

template <class Lock>
void condition_awaiter<Lock>::relock() noexcept {
    bool stopped = false;
    {
        const lock_guard hold(mutex_.lock_);
        if (!mutex_.try_lock_or_mark(this->acquirer)) {
            relocking_.store(true, std::memory_order_relaxed);  // park() below publishes it to the destructor
            if (mutex_.core_.waiters.park(*this)) return;       // from here on the next claimer owns the leaf
            stopped = true;  // a stop request that comes after the claim leaves the unwinding to the claimer
        }
    }
    if (stopped)
        post(this->frame, step::unwind);
    else
        this->resume();
}

// Called by the destructor of a wait that was not completed.
template <class Lock>
void condition_awaiter<Lock>::leave() noexcept {
    if (this->home != nullptr) forget_edge(*this);
    if (held_.mutex_ != nullptr) {  // the task was stopped before park(): the guard still owns the mutex
        held_.drop();
    } else if (relocking_.load(std::memory_order_relaxed)) {  // relaxed: published with the parking
        const lock_guard hold(mutex_.lock_);
        if (this->linked) mutex_.core_.waiters.remove(*this);
    } else {
        const lock_guard hold(condition_.lock_);
        if (this->linked) condition_.waiters_.remove(*this);
    }
}

template <class Lock>
wait_target condition_awaiter<Lock>::target() const noexcept {
    const holder h = relocking_.load(std::memory_order_relaxed) ? mutex_.holder_.get() : holder();
    return {h.id, h.ex};
}

template class condition_awaiter<spin_lock>;
template class condition_awaiter<no_lock>;

}  // namespace detail

template <class Lock>
basic_condition<Lock>::~basic_condition() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(waiters_, "condition");
}

template <class Lock>
void basic_condition<Lock>::notify_one() noexcept {
    detail::leaf* first = nullptr;
    {
        const detail::lock_guard hold(lock_);
        first = waiters_.pop_claimed();
    }
    if (first == nullptr) return;
    BIDE_ASSERT(L1, !first->linked);
    static_cast<detail::condition_awaiter<Lock>*>(first)->relock();
}

template <class Lock>
void basic_condition<Lock>::notify_all() noexcept {
    detail::claimed_leaves all;
    {
        const detail::lock_guard hold(lock_);
        while (detail::leaf* l = waiters_.pop_claimed()) all.add(*l);
    }
    while (detail::leaf* l = all.take()) static_cast<detail::condition_awaiter<Lock>*>(l)->relock();
}

template <class Lock>
void basic_condition<Lock>::wait_op::wait(std::source_location where) const {
    detail::as_task(*this).wait(where);
}

template class basic_condition<detail::spin_lock>;
template class basic_condition<detail::no_lock>;

}  // namespace v0
}  // namespace bide
