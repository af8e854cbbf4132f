// SPDX-License-Identifier: BSL-1.0
//
// shared_mutex: one writer, or many readers.
//
//     bide::shared_mutex m;
//     auto writing = co_await m.lock();             // in plain code: m.lock().wait()
//     auto reading = co_await m.lock_shared();      // together with other readers
//
// First come, first served: a reader that comes while a writer waits queues behind that writer, so neither starves.
// Readers that are neighbours in the queue are admitted together.
//
// Thread rule: shared_mutex: any coroutine and any thread may use it. local_shared_mutex: the same without atomics;
//   only the tasks of one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting
//   task may come from any thread.
// Lifetime rule: it outlives its guards and its waiters. Destroying it while it is locked or waited for ends the
//   program with a message. To keep a guard beyond the task that locked, move it; a reference to it would dangle.
// Cancellation: a waiting task that is asked to stop leaves the queue and unwinds; the waiters behind it are admitted
//   if they may be now.
// Errors: a writer that locks or shares again, and the only reader if it wants to write, get would_deadlock
//   immediately. A circle of writers that wait for each other is found as for mutex. Several readers are not told
//   apart: a circle through one of them is not found, and a reader that shares again behind a waiting writer waits for
//   itself. Unlocking what is not locked throws usage_error.
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/deadlock/holder.hpp>
#include <bide/detail/sync/lock_policy.hpp>

#include <atomic>
#include <cstddef>
#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {

template <class T>
class task;

namespace detail {
inline constexpr wait_kind shared_mutex_kind{"shared_mutex"};
enum class sharing : bool { exclusive, shared };
}  // namespace detail

template <class Lock>
class basic_shared_mutex {
    class awaiter;
    template <detail::sharing How>
    class guard_of;
    template <detail::sharing How>
    class lock_op_of;

public:
    using guard = guard_of<detail::sharing::exclusive>;
    using shared_guard = guard_of<detail::sharing::shared>;
    using lock_op = lock_op_of<detail::sharing::exclusive>;
    using lock_shared_op = lock_op_of<detail::sharing::shared>;

    basic_shared_mutex() noexcept = default;
    basic_shared_mutex(const basic_shared_mutex&) = delete;
    basic_shared_mutex& operator=(const basic_shared_mutex&) = delete;
    ~basic_shared_mutex();

    /// Awaitable, with .wait(); gives a guard.
    [[nodiscard]] lock_op lock() noexcept { return lock_op(*this); }
    /// Awaitable, with .wait(); gives a shared_guard.
    [[nodiscard]] lock_shared_op lock_shared() noexcept { return lock_shared_op(*this); }
    /// Returns the guard, or an empty one if the mutex is held or waited for. Never waits.
    [[nodiscard]] guard try_lock() noexcept { return try_take<detail::sharing::exclusive>(); }
    /// Returns the guard, or an empty one if a writer holds the mutex or a waiter is in the queue. Never waits.
    [[nodiscard]] shared_guard try_lock_shared() noexcept { return try_take<detail::sharing::shared>(); }
    /// Unlocks a mutex whose guard was disowned (guard::disown()). Guards unlock by themselves.
    void unlock() {
        if (!give_up(detail::sharing::exclusive)) detail::throw_not_held("shared_mutex");
    }
    void unlock_shared() {
        if (!give_up(detail::sharing::shared)) detail::throw_not_held("shared_mutex (shared)");
    }

private:
    template <detail::sharing How>
    guard_of<How> try_take() noexcept {
        const detail::lock_guard hold(lock_);
        return take_locked(How, detail::current_holder()) ? guard_of<How>(*this) : guard_of<How>();
    }
    template <detail::sharing How>
    static task<bool> acquire(lock_op_of<How> op);  // gives no guard: moving a guard forgets the owner

    bool take_locked(detail::sharing how, const detail::holder& as) noexcept BIDE_REQUIRES(lock_) {
        if (!waiters_.empty() || !admits(how)) return false;
        admit(how, as);
        return true;
    }
    bool admits(detail::sharing how) const noexcept BIDE_REQUIRES(lock_) {
        return !writing() && (how == detail::sharing::shared || readers_ == 0);
    }
    void admit(detail::sharing how, const detail::holder& as) noexcept BIDE_REQUIRES(lock_) {
        // The holder is known while there is just one.
        if (how == detail::sharing::exclusive)
            writing_.store(true, std::memory_order_relaxed);
        else
            ++readers_;
        if (readers_ > 1)
            holder_.forget();
        else
            holder_.set(as);
    }
    /// Returns true if `as` would wait for itself.
    bool waits_for_itself(detail::sharing how, const detail::holder& as) const noexcept BIDE_REQUIRES(lock_) {
        return holder_.is(as) && (writing() || how == detail::sharing::exclusive);
    }
    void serve(detail::claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_);
    [[nodiscard]] bool writing() const noexcept { return writing_.load(std::memory_order_relaxed); }

    bool give_up(detail::sharing how) noexcept BIDE_EXCLUDES(lock_);
    void forget_holder() noexcept BIDE_EXCLUDES(lock_) {
        const detail::lock_guard hold(lock_);
        holder_.forget();
    }
    void leave(awaiter& a) noexcept BIDE_EXCLUDES(lock_);

    Lock lock_;
    std::atomic<bool> writing_{false};  // changed under the lock, relaxed: a search may look at it (see holder_record)
    std::size_t readers_ BIDE_GUARDED_BY(lock_) = 0;
    detail::leaf_list waiters_ BIDE_GUARDED_BY(lock_);
    detail::holder_record holder_;
};

/// For coroutines and threads.
using shared_mutex = basic_shared_mutex<detail::spin_lock>;
/// For the tasks of one loop.
using local_shared_mutex = basic_shared_mutex<detail::no_lock>;

/// Holds the mutex for as long as it lives. Movable; empty when default-constructed, moved from or unlocked.
template <class Lock>
template <detail::sharing How>
class [[nodiscard("a guard that is dropped unlocks at once")]] basic_shared_mutex<Lock>::guard_of {
public:
    guard_of() noexcept = default;
    guard_of(guard_of&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {
        if (mutex_ != nullptr) mutex_->forget_holder();  // the new owner is not known
    }
    guard_of& operator=(guard_of&& other) noexcept {
        guard_of taken(std::move(other));
        std::swap(mutex_, taken.mutex_);
        return *this;
    }
    ~guard_of() {
        if (mutex_ != nullptr) drop();
    }

    /// Unlocks before the end of its life; throws usage_error if the guard does not hold the mutex.
    void unlock() {
        if (mutex_ == nullptr || !std::exchange(mutex_, nullptr)->give_up(How)) detail::throw_not_held("shared_mutex");
    }
    /// Empties the guard and leaves the mutex locked: the program calls unlock() or unlock_shared() of the mutex later.
    basic_shared_mutex* disown() noexcept {
        if (mutex_ != nullptr) mutex_->forget_holder();
        return std::exchange(mutex_, nullptr);
    }
    [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }
    [[nodiscard]] explicit operator bool() const noexcept { return mutex_ != nullptr; }

private:
    friend class basic_shared_mutex;
    explicit guard_of(basic_shared_mutex& m) noexcept : mutex_(&m) {}
    void drop() noexcept;
    basic_shared_mutex* mutex_ = nullptr;
};

template <class Lock>
class basic_shared_mutex<Lock>::awaiter : public detail::owned_leaf<awaiter, detail::holding_leaf> {
    using base = detail::owned_leaf<awaiter, detail::holding_leaf>;

public:
    awaiter(detail::promise_base& p, basic_shared_mutex& m, detail::sharing how, const detail::holder& h) noexcept
        : base(p, detail::shared_mutex_kind, &m), mutex_(m), how_(how) {
        this->acquirer = h;
    }
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() {
        if (this->frame != nullptr) [[unlikely]]
            mutex_.leave(*this);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept {
        const detail::lock_guard hold(mutex_.lock_);
        if (mutex_.take_locked(how_, this->acquirer)) return true;
        if (!mutex_.waits_for_itself(how_, this->acquirer)) return false;
        again_ = this->frame;  // an error is a result: it does not wait either
        return true;
    }
    // Unanalyzed: park_owned() takes the lock, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        return this->park_owned(mutex_.lock_, mutex_.waiters_, [this] {
            detail::assume_held(mutex_.lock_);
            return mutex_.take_locked(how_, this->acquirer);
        });
    }
    [[nodiscard]] detail::wait_target target() const noexcept;

protected:
    friend class basic_shared_mutex;
    void finish(const std::source_location* place) {
        this->completed();
        if (again_ != nullptr) [[unlikely]]
            detail::throw_held_already("shared_mutex", *again_, place);
    }
    basic_shared_mutex& mutex_;
    detail::sharing how_;
    const detail::promise_base* again_ = nullptr;
};

/// What lock() and lock_shared() give.
template <class Lock>
template <detail::sharing How>
class [[nodiscard("co_await it or call .wait()")]] basic_shared_mutex<Lock>::lock_op_of {
    class guard_awaiter final : public awaiter {
    public:
        guard_awaiter(detail::promise_base& p, const lock_op_of& op) noexcept
            : awaiter(p, *op.mutex_, How, op.acquirer_.id != 0 ? op.acquirer_ : detail::holder_of(p)),
              place_(op.place_) {}
        [[nodiscard]] guard_of<How> await_resume() {
            this->finish(place_);
            return guard_of<How>(this->mutex_);
        }

    private:
        const std::source_location* place_;
    };

public:
    [[nodiscard]] guard_awaiter native_awaiter(detail::promise_base& p) const noexcept {
        return guard_awaiter(p, *this);
    }
    /// Blocks the calling thread. During stack unwinding it does not throw: the guard is empty if the wait failed.
    guard_of<How> wait(std::source_location where = std::source_location::current()) const;

private:
    friend class basic_shared_mutex;
    explicit lock_op_of(basic_shared_mutex& m) noexcept : mutex_(&m) {}

    basic_shared_mutex* mutex_;
    detail::holder acquirer_{};  // set by wait()
    const std::source_location* place_ = nullptr;
};

extern template class basic_shared_mutex<detail::spin_lock>;
extern template class basic_shared_mutex<detail::no_lock>;

}  // namespace v0
}  // namespace bide
