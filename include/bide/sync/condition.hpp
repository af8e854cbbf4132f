// SPDX-License-Identifier: BSL-1.0
//
// condition: waits, with a mutex given up meanwhile, until a notification says that something has changed.
//
//     bide::mutex m;
//     bide::condition changed;
//     auto held = co_await m.lock();
//     co_await changed.wait(held, [&] { return !queue.empty(); });    // in plain code: changed.wait(held, …).wait()
//     use(queue.front());                                             // held again
//
//     { auto held = co_await m.lock(); queue.push(x); }               // elsewhere
//     changed.notify_one();
//
// A notified waiter queues for the mutex at the moment of the notification, in the order of the notifications. A wait
// without a predicate ends only by a notification, never without reason; but other holders may have had the mutex in
// between.
//
// Thread rule: condition: any coroutine and any thread may use it, with a mutex. local_condition: with a local_mutex;
//   only the tasks of one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting
//   task may come from any thread.
// Lifetime rule: the condition, the mutex and the guard outlive the wait. Destroying the condition while a task or
//   thread waits for it ends the program with a message.
// Cancellation: a wait that is cancelled, at any point, ends with its guard not owning the mutex.
// Errors: a guard that does not own its mutex throws usage_error. An exception of the predicate comes through, with the
//   mutex held. Locking again may throw would_deadlock (see mutex.hpp); the guard does not own the mutex then.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/compiler.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/sync/mutex.hpp>

#include <atomic>
#include <concepts>
#include <type_traits>

namespace bide {
inline namespace v0 {

template <class Lock>
class basic_condition {
public:
    using guard = typename basic_mutex<Lock>::guard;
    class wait_op;

    basic_condition() noexcept = default;
    basic_condition(const basic_condition&) = delete;
    basic_condition& operator=(const basic_condition&) = delete;
    ~basic_condition();

    /// Wakes the waiter that has waited longest, if there is one. The caller may hold the mutex, and need not.
    void notify_one() noexcept;
    /// Wakes every waiter of that moment.
    void notify_all() noexcept;

    /// Awaitable, with .wait(): gives the mutex up, waits for a notification, and takes the mutex again.
    [[nodiscard]] wait_op wait(guard& held) noexcept { return wait_op(*this, held); }
    /// The same until the predicate, which is called with the mutex held, returns true; does not wait if it does
    /// already.
    template <std::predicate P>
    [[nodiscard]] task<> wait(guard& held, P&& predicate) {
        static_assert(detail::safe_in_await<P>,
                      "bide: this compiler destroys such a temporary twice in a co_await expression: give the lambda a "
                      "name first, or capture by reference");
        return wait_until<std::remove_cvref_t<P>>(*this, held, std::forward<P>(predicate));
    }

private:
    friend class detail::condition_awaiter<Lock>;

    template <class P>
    static task<> wait_until(basic_condition& self, guard& held, P predicate) {
        while (!predicate()) co_await self.wait(held);
    }

    Lock lock_;
    detail::leaf_list waiters_ BIDE_GUARDED_BY(lock_);
};

/// For coroutines and threads.
using condition = basic_condition<detail::spin_lock>;
/// For the tasks of one loop.
using local_condition = basic_condition<detail::no_lock>;

template <class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_condition<Lock>::wait_op {
public:
    [[nodiscard]] detail::condition_awaiter<Lock> native_awaiter(detail::promise_base& p) const {
        return detail::condition_awaiter<Lock>(p, *condition_, *held_);
    }
    void wait(std::source_location where = std::source_location::current()) const;

private:
    friend class basic_condition;
    wait_op(basic_condition& c, guard& held) noexcept : condition_(&c), held_(&held) {}
    basic_condition* condition_;
    guard* held_;
};

namespace detail {

// The leaf waits in the condition's list first. The notifying thread claims it there and, on its behalf, takes the
// mutex or parks the leaf in the mutex's list. So the waiting task is woken once, when it holds the mutex.
template <class Lock>
class condition_awaiter final : public owned_leaf<condition_awaiter<Lock>, holding_leaf> {
    using base = owned_leaf<condition_awaiter<Lock>, holding_leaf>;
    using guard = typename basic_mutex<Lock>::guard;

public:
    condition_awaiter(promise_base& p, basic_condition<Lock>& c, guard& held);
    condition_awaiter(const condition_awaiter&) = delete;
    condition_awaiter& operator=(const condition_awaiter&) = delete;
    ~condition_awaiter() {
        if (this->frame != nullptr) [[unlikely]]
            leave();
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() const noexcept { return false; }
    [[nodiscard]] bool park() noexcept;
    void await_resume() {
        this->completed();
        held_.mutex_ = &mutex_;
    }
    [[nodiscard]] wait_target target() const noexcept;

    /// Called by the notifying thread, which has claimed the leaf.
    void relock() noexcept;

private:
    void leave() noexcept;

    basic_condition<Lock>& condition_;
    guard& held_;
    basic_mutex<Lock>& mutex_;
    std::atomic<bool> relocking_{false};  // it is in the mutex's list; atomic for target() (see holder_record)
};

}  // namespace detail

extern template class basic_condition<detail::spin_lock>;
extern template class basic_condition<detail::no_lock>;
extern template class detail::condition_awaiter<detail::spin_lock>;
extern template class detail::condition_awaiter<detail::no_lock>;

}  // namespace v0
}  // namespace bide
