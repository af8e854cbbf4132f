// SPDX-License-Identifier: BSL-1.0
//
// mutex: one holder at a time, first come, first served. A task may hold it over a co_await.
//
//     bide::mutex m;
//     auto held = co_await m.lock();     // in a coroutine
//     auto held = m.lock().wait();       // in plain code, on any thread
//     …                                  // until the guard is destroyed, or held.unlock()
//
// Hand-over: unlock gives the mutex to the waiter that has waited longest; none overtakes. A waiter that was asked to
// stop is skipped. A waiter that is asked to stop after the mutex was handed to it still gets its guard, which unlocks
// as usual.
//
// Thread rule: mutex: any coroutine and any thread may use it. local_mutex: the same without atomics; only the tasks of
//   one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting task may come from
//   any thread.
// Lifetime rule: it outlives its guards and its waiters. Destroying it while it is locked or waited for ends the
//   program with a message. To keep a guard beyond the task that locked, move it; a reference to it would dangle.
// Cancellation: a waiting task that is asked to stop leaves the queue and unwinds.
// Errors: the owner of a mutex is the task or thread that locked it. The owner that locks it again gets would_deadlock
//   immediately. If tasks and threads wait for each other's mutexes in a circle, the wait that closes the circle throws
//   would_deadlock. Moving a guard makes the owner unknown. Unlocking what is not locked throws usage_error.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/deadlock/holder.hpp>
#include <bide/detail/sync/lock_policy.hpp>
#include <bide/detail/sync/mutex_core.hpp>

#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {

template <class T>
class task;

namespace detail {
inline constexpr wait_kind mutex_kind{"mutex"};
template <class Lock>
class condition_awaiter;
}  // namespace detail

template <class Lock>
class basic_mutex {
public:
    class guard;
    class lock_op;

    basic_mutex() noexcept = default;
    basic_mutex(const basic_mutex&) = delete;
    basic_mutex& operator=(const basic_mutex&) = delete;
    ~basic_mutex();

    /// Awaitable, with .wait(); gives a guard.
    [[nodiscard]] lock_op lock() noexcept { return lock_op(*this); }
    /// Returns the guard, or an empty one if the mutex is locked, also by the caller. Never waits.
    [[nodiscard]] guard try_lock() noexcept { return take(detail::current_holder()) ? guard(*this) : guard(); }
    /// Unlocks a mutex whose guard was disowned (guard::disown()). Guards unlock by themselves.
    void unlock() {
        if (!give_up()) detail::throw_not_held("mutex");
    }
    [[nodiscard]] bool locked() const noexcept { return core_.locked(); }

private:
    class awaiter;
    struct caller;
    class awaiter_for;
    class lock_for_op;
    static task<bool> acquire(lock_for_op op);  // gives no guard: moving a guard forgets the owner
    friend class detail::condition_awaiter<Lock>;

    bool take(const detail::holder& as) noexcept {
        if (!core_.take()) return false;
        holder_.set(as);
        return true;
    }
    /// As take(). Returns false if the mutex is held: its holder will look among the waiters, and hand it over.
    bool try_lock_or_mark(const detail::holder& as) noexcept BIDE_REQUIRES(lock_) {
        if (!core_.try_lock_or_mark()) return false;
        holder_.set(as);
        return true;
    }
    /// Returns false if it was not locked. The caller must not touch the mutex afterwards: its next holder may destroy
    /// it.
    bool give_up() noexcept {
        holder_.forget();
        return core_.try_unlock_uncontended() || unlock_with_waiters();
    }
    [[gnu::noinline]] bool unlock_with_waiters() noexcept BIDE_EXCLUDES(lock_);
    /// Called by the holder. Returns the waiter that holds the mutex now, which the caller resumes; null if none waits.
    [[nodiscard]] detail::leaf* hand_to_next() noexcept BIDE_EXCLUDES(lock_);

    Lock lock_;
    detail::mutex_core<detail::leaf, detail::lock_policy<Lock>::template word> core_;  // its waiters are holding_leaf
    detail::holder_record holder_;  // written by the holder of the mutex
};

/// For coroutines and threads.
using mutex = basic_mutex<detail::spin_lock>;
/// For the tasks of one loop.
using local_mutex = basic_mutex<detail::no_lock>;

/// Holds the mutex for as long as it lives. Movable; empty when default-constructed, moved from or unlocked.
template <class Lock>
class [[nodiscard("a guard that is dropped unlocks at once")]] basic_mutex<Lock>::guard {
public:
    guard() noexcept = default;
    guard(guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {
        if (mutex_ != nullptr) mutex_->holder_.forget();  // the new owner is not known
    }
    guard& operator=(guard&& other) noexcept {
        guard taken(std::move(other));
        std::swap(mutex_, taken.mutex_);
        return *this;
    }
    ~guard() {
        if (mutex_ != nullptr) drop();
    }

    /// Unlocks before the end of its life; throws usage_error if the guard does not hold the mutex.
    void unlock() {
        if (mutex_ == nullptr) detail::throw_not_held("mutex");
        std::exchange(mutex_, nullptr)->unlock();
    }
    /// Empties the guard and leaves the mutex locked: the program calls mutex::unlock() later.
    basic_mutex* disown() noexcept {
        if (mutex_ != nullptr) mutex_->holder_.forget();
        return std::exchange(mutex_, nullptr);
    }
    [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }
    [[nodiscard]] explicit operator bool() const noexcept { return mutex_ != nullptr; }

private:
    friend class basic_mutex;
    friend class detail::condition_awaiter<Lock>;
    explicit guard(basic_mutex& m) noexcept : mutex_(&m) {}
    void drop() noexcept;
    basic_mutex* mutex_ = nullptr;
};

/// What lock() gives.
template <class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_mutex<Lock>::lock_op {
public:
    [[nodiscard]] awaiter native_awaiter(detail::promise_base& p) const noexcept { return awaiter(p, *mutex_); }
    /// Blocks the calling thread. During stack unwinding it does not throw: the guard is empty if the wait failed.
    guard wait(std::source_location where = std::source_location::current()) const;

private:
    friend class basic_mutex;
    explicit lock_op(basic_mutex& m) noexcept : mutex_(&m) {}
    basic_mutex* mutex_;
};

template <class Lock>
class basic_mutex<Lock>::awaiter : public detail::owned_leaf<awaiter, detail::holding_leaf> {
    using base = detail::owned_leaf<awaiter, detail::holding_leaf>;

public:
    awaiter(detail::promise_base& p, basic_mutex& m) noexcept : base(p), mutex_(m) {}  // NOLINT(*-member-init)
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() {
        if (this->frame != nullptr) [[unlikely]]
            leave();
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard, gnu::noinline]] bool await_ready() noexcept;
    [[nodiscard]] bool park() noexcept;
    [[nodiscard]] guard await_resume() {
        if (this->frame != nullptr) [[unlikely]]
            waited(nullptr);
        return guard(mutex_);
    }
    [[nodiscard]] detail::wait_target target() const noexcept {
        const detail::holder h = mutex_.holder_.get();
        return {h.id, h.ex};
    }

protected:
    bool ready(const detail::holder& by, unsigned& credits) noexcept;
    [[gnu::noinline]] bool ready_in_fork() noexcept;
    void waited(const std::source_location* place);
    void leave() noexcept;
    basic_mutex& mutex_;
    bool again_;  // written if the mutex is not free: the acquirer holds it already
};

extern template class basic_mutex<detail::spin_lock>;
extern template class basic_mutex<detail::no_lock>;

}  // namespace v0
}  // namespace bide
