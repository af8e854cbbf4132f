// SPDX-License-Identifier: BSL-1.0
//
// semaphore: at most n at a time, first come, first served.
//
//     bide::semaphore connections(8);
//     auto permit = co_await connections.acquire();      // in plain code: connections.acquire().wait()
//     …                                                  // until the permit is destroyed, or permit.release()
//
// As a counter of things that were produced: the producer calls release(), the consumer acquires and keeps:
//
//     (co_await items.acquire()).keep();
//
// Fair: nobody overtakes, so one who wants many at once gets them although others want few.
//
// Thread rule: semaphore: any coroutine, any thread. local_semaphore: the same without atomics, for the tasks of one
//   loop and the plain code of that loop's thread; a stop request to its waiters may come from anywhere.
// Lifetime rule: it outlives its permits and its waiters; destroyed while it is waited for, it ends the program with a
//   message.
// Cancellation: a task that is asked to stop while it waits leaves the queue, and who is behind it may go on. One that
//   has its permits already keeps them; its permit gives them back as usual.
// Errors: to ask for less than one, or for more than the highest count, is std::invalid_argument; releasing above the
//   highest count throws usage_error. Nobody is known who will release: a wait that has no end is no would_deadlock, it
//   is reported as a stall (set_stall_delay in error.hpp).
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

    /// `available` now, never more than `highest`.
    explicit basic_semaphore(std::ptrdiff_t available,
                             std::ptrdiff_t highest = std::numeric_limits<std::ptrdiff_t>::max());
    basic_semaphore(const basic_semaphore&) = delete;
    basic_semaphore& operator=(const basic_semaphore&) = delete;
    ~basic_semaphore();

    /// Awaitable, with .wait(): a permit for n at once.
    [[nodiscard]] acquire_op acquire(std::ptrdiff_t n = 1);
    /// The permit, or an empty one: there are not enough, or somebody waits.
    [[nodiscard]] permit try_acquire(std::ptrdiff_t n = 1);
    /// Adds n, wherever they come from.
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

/// What was acquired; given back at the end of its life. Movable; empty when default-constructed or moved from.
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

    /// Gives it back before the end of its life; throws usage_error when it is empty.
    void release();
    /// It is never given back.
    void keep() noexcept { semaphore_ = nullptr; }
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
    /// Blocks the calling thread; during stack unwinding the permit is empty when the wait failed.
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
