// SPDX-License-Identifier: BSL-1.0
//
// condition: waits, with a mutex given up meanwhile, until somebody says that something has changed.
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
// Who is notified queues for the mutex at that moment, in the order of the notifications. A wait without a predicate
// ends only by a notification: there are no spurious ones, but others may have had the mutex in between.
//
// Thread rule: condition: any coroutine, any thread, with a mutex. local_condition: with a local_mutex, for the tasks
//   of one loop and the plain code of that loop's thread; a stop request to its waiters may come from anywhere.
// Lifetime rule: the condition, the mutex and the guard outlive the wait; a condition that is destroyed while it is
//   waited for ends the program with a message.
// Cancellation: a wait that is cancelled, at whatever point, ends with its guard not owning the mutex.
// Errors: a guard that does not own its mutex throws usage_error. What the predicate throws comes through, with the
//   mutex held. Locking again may throw would_deadlock (see mutex.hpp); the guard does not own then.
#pragma once

#include <bide/detail/base/capability.hpp>
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

    void notify_one() noexcept;
    void notify_all() noexcept;

    /// Awaitable, with .wait(): until it is notified.
    [[nodiscard]] wait_op wait(guard& held) noexcept { return wait_op(*this, held); }
    /// Until the predicate, which is called with the mutex held, says yes.
    template <std::predicate P>
    [[nodiscard]] task<> wait(guard& held, P&& predicate) {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
        static_assert(std::is_lvalue_reference_v<P> || std::is_trivially_copyable_v<std::remove_cvref_t<P>>,
                      "bide: this compiler destroys such a temporary twice in a co_await expression: give the lambda a "
                      "name first, or capture by reference");
#endif
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

// First it waits in the condition's list. The notifier claims it there and, on its behalf, takes the mutex or parks it
// in the mutex's list; so a waiter is woken once, with the mutex in hand.
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

    /// By the notifier that has claimed it.
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
