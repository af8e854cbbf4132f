// SPDX-License-Identifier: BSL-1.0
//
// future_base: how a result becomes known. The thread that completes the work calls publish(), once; any thread
// subscribes, and any thread may drop the last reference.
//
// One thread at a time is in run_subscribers() of a state: what is subscribed meanwhile is called by that thread, in
// order.
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/future/future_state.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

std::exception_ptr handle_gone() {
    return std::make_exception_ptr(usage_error(
        "future::wait: the last handle was destroyed or assigned to while wait() waited through it, so there "
        "is nothing that its reference could refer to; wait on a copy, or on an rvalue (the result is moved "
        "out then)"));
}
void throw_handle_gone() { std::rethrow_exception(handle_gone()); }

void future_base::publish(future_status how) noexcept {
    claimed_leaves claimed;
    bool subscribed = false;
    {
        lock_guard guard(lock);
        // release: the result was written before. Under the lock: a parking waiter sees the status, or is claimed
        // below.
        status_.store(how, std::memory_order_release);
        while (leaf* l = waiters.pop_claimed()) claimed.add(*l);
        if (!claimed.empty()) consume();  // delivered for certain: a claimed waiter cannot be cancelled
        if (!subscribers_.empty()) subscribed = calling_ = true;
    }
    while (leaf* l = claimed.take()) {
        BIDE_ASSERT(L1, !l->linked && how != future_status::pending);
        l->resume();
    }
    if (subscribed) run_subscribers();
}

void future_base::subscribe(subscriber* s) {
    {
        lock_guard guard(lock);
        subscribers_.push_back(*s);
        if (!ready() || calling_) return;  // the thread that calls the earlier ones calls this one after them
        calling_ = true;
    }
    run_subscribers();
}

void future_base::run_subscribers() noexcept {
    add_ref();  // a subscriber may drop the last handle
    for (;;) {
        subscriber* s = nullptr;
        {
            lock_guard guard(lock);
            s = subscribers_.pop();
            if (s == nullptr) {
                calling_ = false;
                break;
            }
        }
        try {
            s->call(*this);
        } catch (...) {
            report_unhandled(std::current_exception(), "a future's subscriber");
        }
        delete s;
    }
    drop_ref();
}

void future_base::last_ref_gone() noexcept {
    if (!owned_ && !consumed() && status() == future_status::failed)
        report_unhandled(failure(), "a future that nobody waited for");
    while (subscriber* s = subscribers_.pop()) delete s;  // never completed: no producer is left
    destroy();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
