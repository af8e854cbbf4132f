// SPDX-License-Identifier: BSL-1.0
//
// semaphore: at most n holders at a time, first come, first served.
//
//     bide::semaphore connections(8);
//     auto permit = co_await connections.acquire();      // in plain code: connections.acquire().wait()
//     …                                                  // until the permit is destroyed, or permit.unlock()
//
// As a counter of things that were produced, the producer calls release(), and the consumer acquires and disowns
// the permit:
//
//     (co_await items.acquire()).disown();
//
// Fair: waiters are served in their order and none overtakes, so a waiter that wants many permits gets them although
// others want few.
//
// Thread rule: semaphore: any coroutine and any thread may use it. local_semaphore: the same without atomics; only the
//   tasks of one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting task may
//   come from any thread.
// Lifetime rule: it outlives its permits and its waiters. Destroying it while a task or thread waits for it ends the
//   program with a message.
// Cancellation: a waiting task that is asked to stop leaves the queue and unwinds; the waiters behind it are served if
//   there is enough for them now. A task that had got its permits before the request keeps them; its permit gives them
//   back as usual.
// Errors: asking for less than one, or for more than the highest count, is std::invalid_argument. Releasing above the
//   highest count throws usage_error. bide does not know who will release: a wait that never ends is no would_deadlock,
//   it is reported as a stall (set_stall_delay in hooks.hpp).
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/sync/lock_policy.hpp>

#include <cstddef>
#include <limits>
#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {
inline constexpr wait_kind semaphore_kind{"semaphore", true};
}  // namespace detail

template <class Lock>
class basic_semaphore {
    class awaiter;

public:
    class permit;
    class acquire_op;

    /// A semaphore with `available` permits now, which never has more than `highest`.
    explicit basic_semaphore(std::ptrdiff_t available,
                             std::ptrdiff_t highest = std::numeric_limits<std::ptrdiff_t>::max());
    basic_semaphore(const basic_semaphore&) = delete;
    basic_semaphore& operator=(const basic_semaphore&) = delete;
    ~basic_semaphore();

    /// Awaitable, with .wait(): waits until there are n, takes them together, and gives a permit for them.
    [[nodiscard]] acquire_op acquire(std::ptrdiff_t n = 1);
    /// Returns the permit, or an empty one if there are not enough or a waiter is in the queue. Never waits.
    [[nodiscard]] permit try_acquire(std::ptrdiff_t n = 1);
    /// Adds n, also such as were never acquired. Wakes the waiters for whom there is enough.
    void release(std::ptrdiff_t n = 1);
    [[nodiscard]] std::ptrdiff_t available() const noexcept {
        const detail::lock_guard hold(lock_);
        return available_;
    }

private:
    bool take(std::ptrdiff_t n) noexcept BIDE_REQUIRES(lock_) {
        if (n > available_ || !waiters_.empty()) return false;
        available_ -= n;
        return true;
    }
    void need_possible(std::ptrdiff_t n) const;
    void serve(detail::claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_);
    void leave(awaiter& a) noexcept BIDE_EXCLUDES(lock_);

    mutable Lock lock_;
    std::ptrdiff_t available_ BIDE_GUARDED_BY(lock_);
    const std::ptrdiff_t highest_;
    detail::leaf_list waiters_ BIDE_GUARDED_BY(lock_);
};

/// For coroutines and threads.
using semaphore = basic_semaphore<detail::spin_lock>;
/// For the tasks of one loop.
using local_semaphore = basic_semaphore<detail::no_lock>;

/// What was acquired. Its destructor gives it back. Movable; empty when default-constructed, unlocked, disowned or
/// moved from.
template <class Lock>
class [[nodiscard("a permit that is dropped is given back at once")]] basic_semaphore<Lock>::permit {
public:
    permit() noexcept = default;
    permit(permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)), count_(other.count_) {}
    permit& operator=(permit&& other) noexcept {
        permit taken(std::move(other));
        std::swap(semaphore_, taken.semaphore_);
        std::swap(count_, taken.count_);
        return *this;
    }
    ~permit() {
        if (semaphore_ != nullptr) drop();
    }

    /// Gives it back before the end of its life; throws usage_error if it is empty.
    void unlock();
    /// Empties the permit without giving anything back: the program calls semaphore::release() later, or never.
    void disown() noexcept { semaphore_ = nullptr; }
    [[nodiscard]] std::ptrdiff_t count() const noexcept { return semaphore_ != nullptr ? count_ : 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return semaphore_ != nullptr; }

private:
    friend class basic_semaphore;
    permit(basic_semaphore& s, std::ptrdiff_t n) noexcept : semaphore_(&s), count_(n) {}
    void drop() noexcept;
    basic_semaphore* semaphore_ = nullptr;
    std::ptrdiff_t count_ = 0;
};

template <class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_semaphore<Lock>::acquire_op {
public:
    [[nodiscard]] awaiter native_awaiter(detail::promise_base& p) const noexcept { return awaiter(p, *semaphore_, n_); }
    /// Blocks the calling thread. During stack unwinding it does not throw: the permit is empty if the wait failed.
    permit wait(std::source_location where = std::source_location::current()) const;

private:
    friend class basic_semaphore;
    acquire_op(basic_semaphore& s, std::ptrdiff_t n) noexcept : semaphore_(&s), n_(n) {}
    basic_semaphore* semaphore_;
    std::ptrdiff_t n_;
};

template <class Lock>
class basic_semaphore<Lock>::awaiter final : public detail::leaf_awaiter<awaiter> {
public:
    awaiter(detail::promise_base& p, basic_semaphore& s, std::ptrdiff_t n) noexcept
        : detail::leaf_awaiter<awaiter>(p, detail::semaphore_kind, &s), semaphore_(s), n_(n) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() {
        if (this->frame != nullptr) [[unlikely]]
            semaphore_.leave(*this);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept {
        const detail::lock_guard hold(semaphore_.lock_);
        return semaphore_.take(n_);
    }
    // Unanalyzed: park_in() takes the lock, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        return this->park_in(semaphore_.lock_, semaphore_.waiters_, [this] {
            detail::assume_held(semaphore_.lock_);
            return semaphore_.take(n_);
        });
    }
    [[nodiscard]] permit await_resume() noexcept {
        this->completed();
        return permit(semaphore_, n_);
    }

private:
    friend class basic_semaphore;
    basic_semaphore& semaphore_;
    std::ptrdiff_t n_;
};

extern template class basic_semaphore<detail::spin_lock>;
extern template class basic_semaphore<detail::no_lock>;

}  // namespace v0
}  // namespace bide
