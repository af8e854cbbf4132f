// SPDX-License-Identifier: BSL-1.0
//
// mutex: taking it where it is not free at once, handing it over, and wait(). The word and the hand-over itself are in
// detail/sync/mutex_core.hpp, which the model checker runs.
//
// The awaiting task's thread calls the functions of its awaiter; the thread that gives the mutex up calls
// hand_to_next() and resumes the next holder. The templates are instantiated here, for mutex and for local_mutex.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/hooks.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/task.hpp>

#include <exception>

namespace bide {
inline namespace v0 {

template <class Lock>
basic_mutex<Lock>::~basic_mutex() {
    const detail::lock_guard hold(lock_);
    detail::need_no_waiters(core_.waiters, "mutex");
    if (core_.locked()) [[unlikely]]
        detail::fail_fast("mutex destroyed while it is locked; it has to outlive its guards");
}

// ---- giving it up ---------------------------------------------------------------------------------------------------

template <class Lock>
detail::leaf* basic_mutex<Lock>::hand_to_next() noexcept {
    holder_.forget();
    if (core_.try_unlock_uncontended()) return nullptr;
    const detail::lock_guard hold(lock_);
    detail::leaf* const next = core_.give();
    if (next != nullptr) holder_.set(static_cast<detail::holding_leaf*>(next)->acquirer);
    return next;
}

template <class Lock>
bool basic_mutex<Lock>::unlock_with_waiters() noexcept {
    if (!core_.locked()) return false;
    if (detail::leaf* const next = hand_to_next()) {
        BIDE_ASSERT(L1, !next->linked);
        next->resume();
    }
    return true;
}

template <class Lock>
void basic_mutex<Lock>::guard::drop() noexcept {
    if (std::exchange(mutex_, nullptr)->give_up()) [[likely]]
        return;
    report_unhandled(std::make_exception_ptr(usage_error("mutex: a guard found it unlocked; somebody called "
                                                         "mutex::unlock() for a lock that a guard held")),
                     "the destructor of a mutex's guard");
}

// ---- taking it ------------------------------------------------------------------------------------------------------

/// The task or thread that calls wait(), and the line of the call.
template <class Lock>
struct basic_mutex<Lock>::caller {
    detail::holder acquirer;
    const std::source_location* place;
};

template <class Lock>
inline bool basic_mutex<Lock>::awaiter::ready(const detail::holder& by, unsigned& credits) noexcept {
    if (this->stop().requested()) [[unlikely]] {
        this->mode_ = base::mode::unwind;
        return false;
    }
    if (mutex_.take(by)) [[likely]]
        return this->completed_inline(--credits);
    this->acquirer = by;
    again_ = mutex_.holder_.is(by);
    this->mode_ = base::mode::park;
    return again_;  // a second lock by the same task does not wait: await_resume() throws
}

template <class Lock>
bool basic_mutex<Lock>::awaiter::await_ready() noexcept {
    if (detail::this_thread.forks != nullptr) [[unlikely]]
        return ready_in_fork();
    const detail::context& c = *this->frame->ctx;
    return ready({c.owner->owner, c.ex}, detail::this_thread.credits);
}

// The child of a fork that locks needs an identity: holder_of() materializes its context.
template <class Lock>
bool basic_mutex<Lock>::awaiter::ready_in_fork() noexcept {
    return ready(detail::holder_of(*this->frame), detail::this_thread.credits);
}

template <class Lock>
bool basic_mutex<Lock>::awaiter::park() noexcept {
    this->describe(detail::mutex_kind, &mutex_);
    return this->park_owned(mutex_.lock_, mutex_.core_.waiters, [this] {
        detail::assume_held(mutex_.lock_);
        return mutex_.try_lock_or_mark(this->acquirer);
    });
}

template <class Lock>
void basic_mutex<Lock>::awaiter::waited(const std::source_location* place) {
    const detail::promise_base& p = *this->frame;
    this->completed();
    if (again_) detail::throw_held_already("mutex", p, place);
}

template <class Lock>
void basic_mutex<Lock>::awaiter::leave() noexcept {
    this->abandon(mutex_.lock_, mutex_.core_.waiters);
}

template <class Lock>
class basic_mutex<Lock>::awaiter_for final : public awaiter {
public:
    awaiter_for(detail::promise_base& p, basic_mutex& m, const caller& by) noexcept : awaiter(p, m), caller_(by) {}
    [[nodiscard]] bool await_ready() noexcept { return this->ready(caller_.acquirer, detail::tls().credits); }
    [[nodiscard]] guard await_resume() {
        if (this->frame != nullptr) this->waited(caller_.place);
        return guard(this->mutex_);
    }

private:
    const caller& caller_;
};

/// lock() where the caller of wait(), and not the awaiting frame, becomes the holder.
template <class Lock>
class basic_mutex<Lock>::lock_for_op {
public:
    lock_for_op(basic_mutex& m, const caller& by) noexcept : mutex_(&m), caller_(&by) {}
    [[nodiscard]] awaiter_for native_awaiter(detail::promise_base& p) const noexcept {
        return awaiter_for(p, *mutex_, *caller_);
    }

private:
    basic_mutex* mutex_;
    const caller* caller_;
};

template <class Lock>
task<bool> basic_mutex<Lock>::acquire(lock_for_op op) {
    guard held = co_await op;
    co_return std::exchange(held.mutex_, nullptr) != nullptr;
}

template <class Lock>
typename basic_mutex<Lock>::guard basic_mutex<Lock>::lock_op::wait(std::source_location where) const {
    const caller by{detail::current_holder(), &where};
    // Outside of any task no stop request can come: a free mutex needs no frame.
    if (detail::current_context() == nullptr && mutex_->take(by.acquirer)) return guard(*mutex_);
    return acquire(lock_for_op(*mutex_, by)).wait(where) ? guard(*mutex_) : guard();
}

template class basic_mutex<detail::spin_lock>;
template class basic_mutex<detail::no_lock>;

}  // namespace v0
}  // namespace bide
