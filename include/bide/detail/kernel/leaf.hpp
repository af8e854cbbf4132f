// SPDX-License-Identifier: BSL-1.0
//
// leaf: the place where a chain of frames suspends. Every awaitable that is not a task ends in a leaf.
//
// Writing one (see sync/event.hpp for the smallest):
//
//     class awaiter : public leaf_awaiter<awaiter> {     // constructed in place by await_transform, never moved
//         bool try_now() noexcept;   // true: it has what it wants, without waiting  (takes the primitive's lock)
//         bool park() noexcept;      // true: parked, or posted already  (usually: return park_in(lock, list, ready))
//         T await_resume();          // runs after a completer claimed the leaf, or after try_now returned true
//         ~awaiter() { abandon(lock, list); }            // a waiter that is unwound leaves the list
//     };
//     // The completer claims a leaf under the primitive's lock, writes the result, and resumes it after the lock (L1):
//     claimed_leaves ready;                              // declared before the guard: its destructor resumes
//     lock_guard guard(lock);
//     if (leaf* l = list.pop_claimed()) ready.add(*l);
//
// leaf_awaiter keeps these rules, so that no primitive has to: a leaf checks for a stop on entry; each operation spends
// one credit of 128, and at zero the task goes through its executor's queue (L3); frames are detached before another
// thread can see them (K3).
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/base/waiting_list.hpp>
#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/task_node.hpp>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bide {
inline namespace v0 {
namespace detail {

/// What kind of thing is waited for, in words, for the debug view and for messages.
struct wait_kind {
    const char* what;  // "mutex", "event", "sleep", …
    /// True where bide cannot know who will end the wait, unless the wait graph knows it (1.6). Stalls are reported for
    /// it.
    bool without_owner = false;
    /// True where the leaf's `object` is the task_node whose tasks are waited for.
    bool object_is_node = false;
};

// Constructors initialise only what the fast path needs: most operations complete without waiting, and never use the
// rest.

/// What every leaf has. It is enough for a leaf that waits in no list of a primitive (sleep.hpp).
struct leaf_base {
    promise_base* frame;    // the awaiting frame; null once the wait has been completed
    const wait_kind* kind;  // set before the leaf is parked

    leaf_base(promise_base& p, const wait_kind& k) noexcept : frame(&p), kind(&k) {}
    explicit leaf_base(promise_base& p) noexcept : frame(&p) {}  // NOLINT(*-member-init)
    leaf_base(const leaf_base&) = delete;
    leaf_base& operator=(const leaf_base&) = delete;

    [[nodiscard]] stop_state& stop() const noexcept { return *frame->ctx->stop; }
    /// From this call on a completer may claim the leaf, and a stop request may unwind its frame. Returns false if stop
    /// was requested before: the leaf is not parked, and the caller posts its frame as "unwind".
    [[nodiscard]] bool publish() noexcept {
        // A notifier that moves a waiter to another list publishes the leaf anew, and is not suspended itself.
        BIDE_ASSERT(K3, (frame->result_slot->flags & attached) == 0);
        return stop().park(*this);
    }
    [[nodiscard]] bool claim() noexcept { return stop().claim(*this); }
    /// The thread that claimed the leaf calls it as its last use of the leaf: afterwards *this may have been destroyed.
    void resume() noexcept {
        BIDE_ASSERT(L1, stop().parked() != this);
        post(frame, step::resume);
    }
};

/// A leaf in the list of a primitive.
struct leaf : leaf_base {
    const void* object;  // what is waited for; set before the leaf is parked
    leaf* prev;          // links of the primitive's list: set by push_back(), guarded by the primitive's lock
    leaf* next;
    bool linked = false;

    leaf(promise_base& p, const wait_kind& k, const void* o) noexcept  // NOLINT(*-member-init)
        : leaf_base(p, k), object(o) {}
    /// The caller calls describe() before it parks the leaf.
    explicit leaf(promise_base& p) noexcept : leaf_base(p) {}  // NOLINT(*-member-init)

    void describe(const wait_kind& k, const void* o) noexcept {
        kind = &k;
        object = o;
    }
};

/// Waiters in the order in which they came.
using leaf_list = waiting_list<leaf>;
extern template class waiting_list<leaf>;
using claimed_leaves = claimed_waiters<leaf>;
static_assert(!std::is_move_constructible_v<leaf>);  // G1

[[noreturn]] void fail_with_waiters(const leaf& first, const char* what) noexcept;
/// A primitive's destructor calls it: a task that still waits would touch freed memory later, so the program ends here.
inline void need_no_waiters(const leaf_list& waiters, const char* what) noexcept {
    if (const leaf* first = waiters.front()) [[unlikely]]
        fail_with_waiters(*first, what);
}

/// `Leaf` is leaf, a class derived from it with members for the completer, or a class derived from leaf_base.
template <class Awaiter, class Leaf = leaf>
class leaf_awaiter : public Leaf {
public:
    using Leaf::Leaf;

    [[nodiscard]] bool await_ready() noexcept {
        if (this->stop().requested()) [[unlikely]] {
            mode_ = mode::unwind;
            return false;
        }
        if (!static_cast<Awaiter*>(this)->try_now()) {
            mode_ = mode::park;
            return false;
        }
        return completed_inline(--tls().credits);
    }

    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        promise_base* p = this->frame;
        if (mode_ == mode::park) [[likely]] {
            if (static_cast<Awaiter*>(this)->park()) return true;
            this->frame = nullptr;
            return false;
        }
        const step what = mode_ == mode::queue ? step::resume : step::unwind;
        if (what == step::resume) this->frame = nullptr;
        detach(p);
        post(p, what);
        return true;
    }

protected:
    enum class mode : std::uint8_t { park, queue, unwind };

    /// Returns false if `ready()` returns true under the lock. Else detaches the frame, and parks the leaf in `list` or
    /// posts the frame as "unwind" (K3).
    template <class Lock, class Ready>
    bool park_in(Lock& lock, leaf_list& list, Ready ready) noexcept {
        lock_guard guard(lock);
        if (ready()) return false;
        detach(this->frame);
        if (!list.park(*this)) [[unlikely]]
            post(this->frame, step::unwind);
        return true;
    }

    /// The awaiter's destructor calls it. A waiter whose wait was not completed leaves the list under the lock (L2); a
    /// completed one is in no list any more.
    template <class Lock>
    void abandon(Lock& lock, leaf_list& list) noexcept {
        if (this->frame == nullptr) [[likely]] {
            BIDE_ASSERT(L2, !this->linked);
            return;
        }
        lock_guard guard(lock);
        if (this->linked) list.remove(*this);
    }

    /// Awaiters that call abandon() call this first in await_resume: the wait was completed.
    void completed() noexcept { this->frame = nullptr; }

    /// await_ready returns it when the operation has completed. Returns false at zero credits: the frame is then
    /// resumed through its executor's queue (L3).
    [[nodiscard]] bool completed_inline(unsigned credits_left) noexcept {
        BIDE_ASSERT(L3, credits_left < credits_per_turn);
        if (credits_left != 0) [[likely]] {
            this->frame = nullptr;
            return true;
        }
        mode_ = mode::queue;
        return false;
    }

    mode mode_;  // set when await_ready returns false
};

/// A leaf that is about to park until another thread changes `count` calls it to spin for that change first. It spins
/// only where the loop of this thread would spin before it sleeps (short_spin.hpp). Returns true if `count` differs
/// from `now`. Returns false if it has not changed, if there was no spin, or if something else arrived for the loop.
[[nodiscard]] bool spin_for_change(const std::atomic<std::size_t>& count, std::size_t now) noexcept;

/// Suspends the frame and posts it as "unwind": a cancellation that a guard held back continues.
struct pass_stop {
    promise_base* p;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        promise_base* me = p;
        detach(me);
        post(me, step::unwind);
        return true;
    }
    void await_resume() const noexcept {}
};
/// pass_stop as an awaitable.
struct pass_stop_op {
    pass_stop_op() noexcept = default;
    [[nodiscard]] pass_stop native_awaiter(promise_base& p) const noexcept { return pass_stop{&p}; }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
