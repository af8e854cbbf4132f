// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/fail_fast.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/task.hpp>

#include <exception>

namespace bide {
inline namespace v0 {

template <class Lock>
basic_mutex<Lock>::~basic_mutex() {
    const std::lock_guard hold(lock_);
    detail::need_no_waiters(core_.waiters, "mutex");
    if (core_.locked()) [[unlikely]]
        detail::fail_fast("mutex destroyed while it is locked; it has to outlive its guards");
}

template <class Lock>
void basic_mutex<Lock>::guard::drop() noexcept {
    if (std::exchange(mutex_, nullptr)->give_up()) [[likely]]
        return;
    report_unhandled(std::make_exception_ptr(usage_error("mutex: a guard found it unlocked; somebody called "
                                                         "mutex::unlock() for a lock that a guard held")),
                     "the destructor of a mutex's guard");
}

template <class Lock>
task<bool> basic_mutex<Lock>::acquire(lock_op op) {
    guard held = co_await op;
    co_return std::exchange(held.mutex_, nullptr) != nullptr;
}

template <class Lock>
typename basic_mutex<Lock>::guard basic_mutex<Lock>::lock_op::wait(std::source_location where) const {
    const detail::holder caller = detail::current_holder();
    // Outside of any task there is nothing to be cancelled by: no need for a frame when it is free.
    if (detail::current_context() == nullptr && mutex_->take(caller)) return guard(*mutex_);
    lock_op op(*mutex_);
    op.as_ = caller;
    op.place_ = &where;
    return acquire(op).wait(where) ? guard(*mutex_) : guard();
}

template class basic_mutex<detail::spin_lock>;
template class basic_mutex<detail::no_lock>;

}  // namespace v0
}  // namespace bide
