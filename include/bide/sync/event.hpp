// SPDX-License-Identifier: BSL-1.0
//
// event: a flag that tasks and threads can wait for.
//
//     bide::event ready;
//     co_await ready;          // in a coroutine; does not wait if the event is set
//     ready.wait();            // in plain code, on any thread
//     ready.set();             // from anywhere: wakes every waiter
//
// set() wakes every task and thread that waits at that moment, in the order in which they began to wait, also if
// reset() follows immediately.
//
// Thread rule: event: any coroutine and any thread may use it. local_event: the same without atomics; only the tasks of
//   one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting task may come from
//   any thread.
// Lifetime rule: it outlives its waiters. Destroying it while a task or thread waits for it ends the program with a
//   message. A woken waiter does not touch the event any more, so the event may be destroyed after set().
// Cancellation: a waiting task that is asked to stop leaves the event and unwinds. A task that was woken before the
//   request returns from this wait, and its next wait ends it.
// Errors: none. bide does not know who will call set(). A wait that never ends is therefore no would_deadlock, as it is
//   for a mutex; it is reported as a stall (set_stall_delay in hooks.hpp).
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/sync/lock_policy.hpp>

#include <source_location>

namespace bide {
inline namespace v0 {

namespace detail {
inline constexpr wait_kind event_kind{"event", true};
}  // namespace detail

template <class Lock>
class basic_event {
    class awaiter;

public:
    explicit basic_event(bool set = false) noexcept : set_(set) {}
    basic_event(const basic_event&) = delete;
    basic_event& operator=(const basic_event&) = delete;
    ~basic_event();

    void set() noexcept;
    void reset() noexcept {
        const detail::lock_guard hold(lock_);
        set_ = false;
    }
    [[nodiscard]] bool is_set() const noexcept {
        const detail::lock_guard hold(lock_);  // a caller that sees it set may destroy it: set() is done with it then
        return set_;
    }

    /// Blocks the calling thread until it is set.
    void wait(std::source_location where = std::source_location::current());

    [[nodiscard]] awaiter native_awaiter(detail::promise_base& p) noexcept { return awaiter(p, *this); }

private:
    mutable Lock lock_;
    bool set_ BIDE_GUARDED_BY(lock_);
    detail::leaf_list waiters_ BIDE_GUARDED_BY(lock_);
};

/// For coroutines and threads.
using event = basic_event<detail::spin_lock>;
/// For the tasks of one loop.
using local_event = basic_event<detail::no_lock>;

template <class Lock>
class basic_event<Lock>::awaiter final : public detail::leaf_awaiter<awaiter> {
public:
    awaiter(detail::promise_base& p, basic_event& e) noexcept
        : detail::leaf_awaiter<awaiter>(p, detail::event_kind, &e), event_(e) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    // Unanalyzed: abandon() takes the lock, which it knows by another name.
    ~awaiter() BIDE_UNANALYZED {
        this->abandon(event_.lock_, event_.waiters_);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept { return event_.is_set(); }
    // Unanalyzed: park_in() takes the lock, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        return this->park_in(event_.lock_, event_.waiters_, [this] {
            detail::assume_held(event_.lock_);
            return event_.set_;
        });
    }
    void await_resume() noexcept { this->completed(); }

private:
    basic_event& event_;
};

extern template class basic_event<detail::spin_lock>;
extern template class basic_event<detail::no_lock>;

}  // namespace v0
}  // namespace bide
