// SPDX-License-Identifier: BSL-1.0
//
// latch: a count that goes down to zero once; tasks and threads wait for the zero.
//
//     bide::latch done(3);
//     done.count_down();                 // three times, from anywhere
//     co_await done;                     // in a coroutine; in plain code: done.wait()
//     co_await done.arrive_and_wait();   // counts down and waits
//
// Thread rule: latch: any coroutine and any thread may use it. local_latch: the same without atomics; only the tasks of
//   one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting task may come from
//   any thread.
// Lifetime rule: it outlives its waiters. Destroying it while a task or thread waits for it ends the program with a
//   message. A woken waiter does not touch the latch any more, so a waiter may destroy the latch when its wait has
//   ended.
// Cancellation: a waiting task that is asked to stop leaves the latch and unwinds. What it counted down stays counted.
// Errors: a negative count is std::invalid_argument. Counting down below zero throws usage_error and changes nothing.
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/sync/lock_policy.hpp>

#include <cstddef>
#include <source_location>

namespace bide {
inline namespace v0 {

namespace detail {
inline constexpr wait_kind latch_kind{"latch", true};
}  // namespace detail

template <class Lock>
class basic_latch {
    class awaiter;

public:
    class arrive_op;

    explicit basic_latch(std::ptrdiff_t count);
    basic_latch(const basic_latch&) = delete;
    basic_latch& operator=(const basic_latch&) = delete;
    ~basic_latch();

    void count_down(std::ptrdiff_t n = 1);
    /// Returns true if the count is zero. Never waits.
    [[nodiscard]] bool try_wait() const noexcept {
        const detail::lock_guard hold(lock_);
        return count_ == 0;
    }
    /// Blocks the calling thread until the count is zero.
    void wait(std::source_location where = std::source_location::current());
    /// Awaitable, with .wait(): counts down when it is awaited, then waits. Nothing is counted by a task that was asked
    /// to stop before.
    [[nodiscard]] arrive_op arrive_and_wait(std::ptrdiff_t n = 1);

    [[nodiscard]] awaiter native_awaiter(detail::promise_base& p) noexcept { return awaiter(p, *this, 0); }

private:
    /// Brings the count to zero and claims every waiter. Returns false, and changes nothing, if the count is below n.
    bool finish(std::ptrdiff_t n, detail::claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_) {
        if (n > count_) return false;
        count_ = 0;
        while (detail::leaf* l = waiters_.pop_claimed()) woken.add(*l);
        return true;
    }
    [[noreturn]] static void throw_below_zero();

    mutable Lock lock_;
    std::ptrdiff_t count_ BIDE_GUARDED_BY(lock_);
    detail::leaf_list waiters_ BIDE_GUARDED_BY(lock_);
};

/// For coroutines and threads.
using latch = basic_latch<detail::spin_lock>;
/// For the tasks of one loop.
using local_latch = basic_latch<detail::no_lock>;

template <class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_latch<Lock>::arrive_op {
public:
    [[nodiscard]] awaiter native_awaiter(detail::promise_base& p) const noexcept { return awaiter(p, *latch_, n_); }
    void wait(std::source_location where = std::source_location::current()) const;

private:
    friend class basic_latch;
    arrive_op(basic_latch& l, std::ptrdiff_t n) noexcept : latch_(&l), n_(n) {}
    basic_latch* latch_;
    std::ptrdiff_t n_;
};

// park() counts and parks in one section under the lock. Once the last arrival has counted, a woken waiter may destroy
// the latch, so an arrival that has counted must not touch the latch again.
template <class Lock>
class basic_latch<Lock>::awaiter final : public detail::leaf_awaiter<awaiter> {
public:
    awaiter(detail::promise_base& p, basic_latch& l, std::ptrdiff_t n) noexcept
        : detail::leaf_awaiter<awaiter>(p, detail::latch_kind, &l), latch_(l), n_(n) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    // Unanalyzed: abandon() takes the lock, which it knows by another name.
    ~awaiter() BIDE_UNANALYZED {
        this->abandon(latch_.lock_, latch_.waiters_);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept {
        detail::claimed_leaves woken;
        const detail::lock_guard hold(latch_.lock_);
        return arrive_last(woken);
    }
    // Unanalyzed: park_in() takes the lock, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        detail::claimed_leaves woken;
        return this->park_in(latch_.lock_, latch_.waiters_, [this, &woken] {
            detail::assume_held(latch_.lock_);
            if (arrive_last(woken)) return true;
            latch_.count_ -= n_;
            return false;
        });
    }
    void await_resume() {
        this->completed();
        if (below_zero_) [[unlikely]]
            throw_below_zero();
    }

private:
    bool arrive_last(detail::claimed_leaves& woken) noexcept BIDE_REQUIRES(latch_.lock_) {
        if (n_ < latch_.count_) return false;
        below_zero_ = !latch_.finish(n_, woken);
        return true;
    }
    basic_latch& latch_;
    std::ptrdiff_t n_;  // 0: only waits
    bool below_zero_ = false;
};

extern template class basic_latch<detail::spin_lock>;
extern template class basic_latch<detail::no_lock>;

}  // namespace v0
}  // namespace bide
