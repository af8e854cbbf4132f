// SPDX-License-Identifier: BSL-1.0
//
// barrier: releasing the waiters when all participants have arrived, withdrawing an arrival, and wait().
//
// The thread of the last participant calls release_waiters(). The thread on which a stopped waiter's frame is unwound
// calls withdraw().
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/sync/barrier.hpp>

#include <stdexcept>

namespace bide {
inline namespace v0 {

template <class Lock>
basic_barrier<Lock>::basic_barrier(std::ptrdiff_t participants) : participants_(participants) {
    if (participants < 1) throw std::invalid_argument("barrier: there must be at least one participant");
}

template <class Lock>
basic_barrier<Lock>::~basic_barrier() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(waiters_, "barrier");
}

// Called when as many have arrived as there are participants. An arrival whose task was asked to stop meanwhile does
// not count, and only a claim of its leaf tells. So this function claims every leaf first; if some were stopped, it
// parks the others again, in their order.
template <class Lock>
bool basic_barrier<Lock>::release_waiters(std::ptrdiff_t coming, detail::claimed_leaves& woken) noexcept {
    detail::leaf_list here;
    const auto does_not_count = [this](detail::leaf& l) {
        auto& withdrawn = static_cast<awaiter&>(l);
        detail::assume_held(lock_);
        detail::assume_held(withdrawn.barrier_.lock_);  // the same lock
        withdrawn.counted_ = false;
        --waiting_;
    };
    while (detail::leaf* l = waiters_.pop_front()) {
        if (l->claim())
            here.push_back(*l);
        else
            does_not_count(*l);
    }
    if (waiting_ + coming >= participants_) {
        waiting_ = 0;
        while (detail::leaf* l = here.pop_front()) woken.add(*l);
        return true;
    }
    while (detail::leaf* l = here.pop_front()) {
        if (waiters_.park(*l)) continue;
        does_not_count(*l);  // stopped while it was claimed: such a request leaves the unwinding to the claimer
        detail::post(l->frame, detail::step::unwind);
    }
    return false;
}

template <class Lock>
void basic_barrier<Lock>::withdraw(awaiter& a) noexcept {
    const detail::lock_guard hold(lock_);
    detail::assume_held(a.barrier_.lock_);  // the same lock
    if (a.linked) waiters_.remove(a);
    if (a.counted_) --waiting_;
}

template <class Lock>
void basic_barrier<Lock>::arrive_and_drop() {
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    if (participants_ == 0)
        throw usage_error("barrier: arrive_and_drop was called more often than there are participants");
    --participants_;
    if (waiting_ != 0) arrive(0, woken);
}

template <class Lock>
bool basic_barrier<Lock>::arrive_op::wait(std::source_location where) const {
    return detail::as_task(*this).wait(where);
}

template class basic_barrier<detail::spin_lock>;
template class basic_barrier<detail::no_lock>;

}  // namespace v0
}  // namespace bide
