// SPDX-License-Identifier: BSL-1.0
//
// barrier: n tasks or threads meet. None of them goes on before all have arrived; then the barrier begins anew.
//
//     bide::barrier meeting(3);
//     bool last = co_await meeting.arrive_and_wait();       // true for exactly one of the three
//     if (last) swap(buffers);                              // in plain code: meeting.arrive_and_wait().wait()
//
// Thread rule: barrier: any coroutine and any thread may use it. local_barrier: the same without atomics; only the
//   tasks of one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting task may
//   come from any thread.
// Lifetime rule: it outlives its waiters. Destroying it while a task or thread waits for it ends the program with a
//   message.
// Cancellation: an arrival whose task is asked to stop while it waits is withdrawn from the moment of the request: that
//   meeting needs another arrival. A task that was released before the request has met the others; its next wait ends
//   it.
// Errors: a count of participants that is not positive is std::invalid_argument. Calling arrive_and_drop more often
//   than there are participants throws usage_error. A meeting for which an arrival is missing is reported as a stall
//   (set_stall_delay in hooks.hpp).
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
inline constexpr wait_kind barrier_kind{"barrier", true};
}  // namespace detail

template <class Lock>
class basic_barrier {
    class awaiter;

public:
    class arrive_op;

    explicit basic_barrier(std::ptrdiff_t participants);
    basic_barrier(const basic_barrier&) = delete;
    basic_barrier& operator=(const basic_barrier&) = delete;
    ~basic_barrier();

    /// Awaitable, with .wait(): arrives, and waits until all participants have. Gives true to the last to arrive.
    [[nodiscard]] arrive_op arrive_and_wait() noexcept { return arrive_op(*this); }
    /// Takes one participant away, from this meeting on; releases the waiters if the others have all arrived.
    void arrive_and_drop();

private:
    /// Returns true if with `coming` more arrivals all participants are there; their waiters are claimed then.
    bool arrive(std::ptrdiff_t coming, detail::claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_) {
        return waiting_ + coming >= participants_ && release_waiters(coming, woken);
    }
    bool release_waiters(std::ptrdiff_t coming, detail::claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_);
    void withdraw(awaiter& a) noexcept BIDE_EXCLUDES(lock_);

    Lock lock_;
    std::ptrdiff_t participants_ BIDE_GUARDED_BY(lock_);
    std::ptrdiff_t waiting_ BIDE_GUARDED_BY(lock_) = 0;  // arrivals that count
    detail::leaf_list waiters_ BIDE_GUARDED_BY(lock_);
};

/// For coroutines and threads.
using barrier = basic_barrier<detail::spin_lock>;
/// For the tasks of one loop.
using local_barrier = basic_barrier<detail::no_lock>;

template <class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_barrier<Lock>::arrive_op {
public:
    [[nodiscard]] awaiter native_awaiter(detail::promise_base& p) const noexcept { return awaiter(p, *barrier_); }
    bool wait(std::source_location where = std::source_location::current()) const;

private:
    friend class basic_barrier;
    explicit arrive_op(basic_barrier& b) noexcept : barrier_(&b) {}
    basic_barrier* barrier_;
};

template <class Lock>
class basic_barrier<Lock>::awaiter final : public detail::leaf_awaiter<awaiter> {
public:
    awaiter(detail::promise_base& p, basic_barrier& b) noexcept
        : detail::leaf_awaiter<awaiter>(p, detail::barrier_kind, &b), barrier_(b) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter() {
        if (this->frame != nullptr) [[unlikely]]
            barrier_.withdraw(*this);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept {
        detail::claimed_leaves woken;
        const detail::lock_guard hold(barrier_.lock_);
        return last_ = barrier_.arrive(1, woken);
    }
    // Unanalyzed: park_in() takes the lock, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        detail::claimed_leaves woken;
        return this->park_in(barrier_.lock_, barrier_.waiters_, [this, &woken] {
            detail::assume_held(barrier_.lock_);
            last_ = barrier_.arrive(1, woken);
            counted_ = !last_;
            barrier_.waiting_ += counted_ ? 1 : 0;
            return last_;
        });
    }
    bool await_resume() noexcept {
        this->completed();
        return last_;
    }

private:
    friend class basic_barrier;
    basic_barrier& barrier_;
    bool last_ = false;
    bool counted_ BIDE_GUARDED_BY(barrier_.lock_) = false;  // in the barrier's waiting_
};

extern template class basic_barrier<detail::spin_lock>;
extern template class basic_barrier<detail::no_lock>;

}  // namespace v0
}  // namespace bide
