// SPDX-License-Identifier: BSL-1.0
//
// leaf: the place where a chain of frames really waits. Every awaitable that is not a task ends in one.
//
// Writing one (see sync/event.hpp for the smallest):
//
//     class awaiter : public leaf_awaiter<awaiter> {     // constructed in place by await_transform, never moved
//         bool try_now() noexcept;   // have it without waiting?          (takes the primitive's lock)
//         bool park() noexcept;      // true: parked, or already posted   (usually: return park_in(lock, list, ready))
//         T await_resume();          // after a completer claimed the leaf, or try_now said yes
//         ~awaiter() { abandon(lock, list); }            // an unwound waiter leaves the list
//     };
//     // The completer, under the primitive's lock; it resumes after it wrote the result.
//     if (leaf* l = list.pop_claimed()) l->resume();
//
// Rules kept here, so that no primitive has to: cancellation is checked on entry; one credit of 128 is spent per
// operation, at zero the task goes through the queue; frames are detached before anybody else can see them.
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
    /// Nobody is known who will end it, unless the wait graph says who (1.6): stalls are reported.
    bool without_owner = false;
    /// The leaf's `object` is the task_node whose tasks are waited for.
    bool object_is_node = false;
};

// Only what the fast path needs is initialised: most operations are done at once, and never use the rest.

/// What every leaf has; enough for one that waits in no list of a primitive's (sleep.hpp).
struct leaf_base {
    promise_base* frame;    // the suspended frame; null once it has been resumed
    const wait_kind* kind;  // known before it is parked

    leaf_base(promise_base& p, const wait_kind& k) noexcept : frame(&p), kind(&k) {}
    explicit leaf_base(promise_base& p) noexcept : frame(&p) {}  // NOLINT(*-member-init)
    leaf_base(const leaf_base&) = delete;
    leaf_base& operator=(const leaf_base&) = delete;

    [[nodiscard]] stop_state& stop() const noexcept { return *frame->ctx->stop; }
    /// From now on a completer may claim it, and a stop request may unwind it. False: stop was requested before.
    [[nodiscard]] bool publish() noexcept {
        BIDE_ASSERT(K3, tls().suspended && (frame->result_slot->flags & attached) == 0);
        return stop().park(*this);
    }
    [[nodiscard]] bool claim() noexcept { return stop().claim(*this); }
    /// To be called by whoever claimed it, as the last thing: *this may be gone afterwards.
    void resume() noexcept {
        BIDE_ASSERT(L1, stop().parked() != this);
        post(frame, step::resume);
    }
};

/// A leaf in the list of a primitive.
struct leaf : leaf_base {
    const void* object;  // what is waited for; known before it is parked
    leaf* prev;          // the primitive's list, under the primitive's lock; set when it enters one
    leaf* next;
    bool linked = false;

    leaf(promise_base& p, const wait_kind& k, const void* o) noexcept  // NOLINT(*-member-init)
        : leaf_base(p, k), object(o) {}
    /// describe() follows before it is parked.
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
/// For a primitive's destructor: a task that still waits for the primitive would touch freed memory later.
inline void need_no_waiters(const leaf_list& waiters, const char* what) noexcept {
    if (const leaf* first = waiters.front()) [[unlikely]]
        fail_with_waiters(*first, what);
}

/// `Leaf` is leaf, one with more in it for the completer, or a leaf_base with what it needs instead of a list.
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

    /// Parks in `list` unless `ready()` says yes under the lock; K3 is kept here.
    template <class Lock, class Ready>
    bool park_in(Lock& lock, leaf_list& list, Ready ready) noexcept {
        lock_guard guard(lock);
        if (ready()) return false;
        detach(this->frame);
        if (!list.park(*this)) [[unlikely]]
            post(this->frame, step::unwind);
        return true;
    }

    /// For the destructor: a waiter that was stopped leaves the list. One that was resumed is not in it any more.
    template <class Lock>
    void abandon(Lock& lock, leaf_list& list) noexcept {
        if (this->frame == nullptr) [[likely]] {
            BIDE_ASSERT(L2, !this->linked);
            return;
        }
        lock_guard guard(lock);
        if (this->linked) list.remove(*this);
    }

    /// First thing in await_resume of awaiters that call abandon(): the wait was completed.
    void completed() noexcept { this->frame = nullptr; }

    /// For await_ready: the effect has happened. At zero credits it is delivered through the queue.
    [[nodiscard]] bool completed_inline(unsigned credits_left) noexcept {
        BIDE_ASSERT(L3, credits_left < credits_per_turn);
        if (credits_left != 0) [[likely]] {
            this->frame = nullptr;
            return true;
        }
        mode_ = mode::queue;
        return false;
    }

    mode mode_;  // set by an await_ready that says no
};

/// For a leaf that is going to park because of another thread: a short look at a count that this thread changes. It is
/// taken where the loop would look all the same before it sleeps (short_spin.hpp). True: it is no longer `now`. False:
/// it is, as far as is known, or no look was taken, or something else came for the loop.
[[nodiscard]] bool spin_for_change(const std::atomic<std::size_t>& count, std::size_t now) noexcept;

/// Suspends the frame and unwinds it: how a cancellation that was held back goes on.
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
/// The same as an awaitable.
struct pass_stop_op {
    pass_stop_op() noexcept = default;
    [[nodiscard]] pass_stop native_awaiter(promise_base& p) const noexcept { return pass_stop{&p}; }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
