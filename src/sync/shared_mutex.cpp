// SPDX-License-Identifier: BSL-1.0
//
// shared_mutex: giving it up, admitting the waiters in their order, and wait().
//
// The thread of the task that unlocks calls give_up(); for a local_shared_mutex that is the thread of its loop. It
// claims the waiters that it admits under the lock, and the destructor of `woken` resumes them after the lock was given
// back.
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/hooks.hpp>
#include <bide/sync/shared_mutex.hpp>
#include <bide/task.hpp>

#include <exception>

namespace bide {
inline namespace v0 {

using detail::sharing;

template <class Lock>
basic_shared_mutex<Lock>::~basic_shared_mutex() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(waiters_, "shared_mutex");
    if (writing() || readers_ != 0) [[unlikely]]
        detail::fail_fast("shared_mutex destroyed while it is locked; it has to outlive its guards");
}

// Serves waiters from the front, as long as the mutex admits them. A waiter that was stopped keeps its place until its
// frame is unwound (only a claim would tell); its destructor then leaves the list and calls this function again.
template <class Lock>
void basic_shared_mutex<Lock>::serve(detail::claimed_leaves& woken) noexcept {
    while (detail::leaf* l = waiters_.front()) {
        auto& a = static_cast<awaiter&>(*l);
        if (!admits(a.how_)) return;
        waiters_.remove(a);
        if (!a.claim()) continue;
        admit(a.how_, a.acquirer);
        woken.add(a);
    }
}

template <class Lock>
bool basic_shared_mutex<Lock>::give_up(sharing how) noexcept {
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    if (how == sharing::exclusive) {
        if (!writing()) return false;
        writing_.store(false, std::memory_order_relaxed);
        holder_.forget();
    } else {
        if (readers_ == 0) return false;
        if (--readers_ == 0) holder_.forget();
    }
    serve(woken);
    return true;
}

template <class Lock>
void basic_shared_mutex<Lock>::leave(awaiter& a) noexcept {
    if (a.home != nullptr) detail::forget_edge(a);
    detail::claimed_leaves woken;
    const detail::lock_guard hold(lock_);
    if (!a.linked) return;
    waiters_.remove(a);
    serve(woken);
}

// A writer waits for the holder, and a reader for a writer that holds the mutex. A reader behind a waiting writer waits
// for readers, which are not known.
template <class Lock>
detail::wait_target basic_shared_mutex<Lock>::awaiter::target() const noexcept {
    const detail::holder h = how_ == sharing::exclusive || mutex_.writing() ? mutex_.holder_.get() : detail::holder();
    return {h.id, h.ex};
}

template <class Lock>
template <sharing How>
void basic_shared_mutex<Lock>::guard_of<How>::drop() noexcept {
    if (std::exchange(mutex_, nullptr)->give_up(How)) [[likely]]
        return;
    report_unhandled(std::make_exception_ptr(usage_error("shared_mutex: a guard found it unlocked; somebody called "
                                                         "unlock() for a lock that a guard held")),
                     "the destructor of a shared_mutex's guard");
}

template <class Lock>
template <sharing How>
task<bool> basic_shared_mutex<Lock>::acquire(lock_op_of<How> op) {
    guard_of<How> held = co_await op;
    co_return std::exchange(held.mutex_, nullptr) != nullptr;
}

template <class Lock>
template <sharing How>
typename basic_shared_mutex<Lock>::template guard_of<How> basic_shared_mutex<Lock>::lock_op_of<How>::wait(
    std::source_location where) const {
    if (detail::current_context() == nullptr) {  // nothing can cancel it: no need for a frame when it is free
        guard_of<How> now = mutex_->template try_take<How>();
        if (now) return now;
    }
    lock_op_of op(*mutex_);
    op.acquirer_ = detail::current_holder();
    op.place_ = &where;
    return acquire(op).wait(where) ? guard_of<How>(*mutex_) : guard_of<How>();
}

template class basic_shared_mutex<detail::spin_lock>;
template class basic_shared_mutex<detail::spin_lock>::guard_of<sharing::exclusive>;
template class basic_shared_mutex<detail::spin_lock>::guard_of<sharing::shared>;
template class basic_shared_mutex<detail::spin_lock>::lock_op_of<sharing::exclusive>;
template class basic_shared_mutex<detail::spin_lock>::lock_op_of<sharing::shared>;
template class basic_shared_mutex<detail::no_lock>;
template class basic_shared_mutex<detail::no_lock>::guard_of<sharing::exclusive>;
template class basic_shared_mutex<detail::no_lock>::guard_of<sharing::shared>;
template class basic_shared_mutex<detail::no_lock>::lock_op_of<sharing::exclusive>;
template class basic_shared_mutex<detail::no_lock>::lock_op_of<sharing::shared>;

}  // namespace v0
}  // namespace bide
