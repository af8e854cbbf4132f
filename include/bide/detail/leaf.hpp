// SPDX-License-Identifier: BSL-1.0
//
// leaf: the place where a chain of frames really waits. Every awaitable that is not a task ends in one.
//
// Writing one (see sync/event.hpp for the smallest):
//
//     class awaiter : public leaf_awaiter<awaiter> {       // constructed in place by await_transform, never moved
//         bool try_now() noexcept;     // have it without waiting?            (takes the primitive's lock)
//         bool park() noexcept;        // true: parked (or already posted)    (usually: return park_in(lock, list, ready))
//         T await_resume();            // after a completer claimed the leaf, or try_now said yes
//         ~awaiter() { abandon(lock, list); }               // an unwound waiter leaves the list
//     };
//     completer, under the primitive's lock:  if (leaf* l = list.pop_claimed()) l->resume();   // resume after writing the result
//
// Rules kept here, so that no primitive has to: cancellation is checked on entry; one credit of 128 is spent per
// operation, at zero the task goes through the queue; frames are detached before anybody else can see them.
#pragma once

#include <bide/detail/kernel.hpp>
#include <bide/detail/task_node.hpp>

#include <coroutine>
#include <cstdint>
#include <mutex>

namespace bide {
inline namespace v0 {
namespace detail {

struct leaf;

/// What kind of thing is waited for, in words, for the debug view and for messages.
struct wait_kind {
    const char* what; // "mutex", "event", "sleep", …
};

struct leaf {
    promise_base* who;    // the suspended frame; null once it has been resumed
    const wait_kind* kind;
    const void* object;   // what is waited for
    leaf* prev = nullptr; // the primitive's list, under the primitive's lock
    leaf* next = nullptr;
    bool linked = false;

    leaf(promise_base& p, const wait_kind& k, const void* o) noexcept : who(&p), kind(&k), object(o) {}
    leaf(const leaf&) = delete;
    leaf& operator=(const leaf&) = delete;

    [[nodiscard]] stop_state& stop() const noexcept { return *who->ctx->stop; }
    [[nodiscard]] bool claim() noexcept { return stop().claim(*this); }
    /// To be called by whoever claimed it, as the last thing: *this may be gone afterwards.
    void resume() noexcept { post(who, step::resume); }
};

/// Waiters in the order in which they came.
class leaf_list {
public:
    leaf_list() = default;
    leaf_list(const leaf_list&) = delete;
    leaf_list& operator=(const leaf_list&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] leaf* front() const noexcept { return first_; }
    void push_back(leaf& l) noexcept;
    void remove(leaf& l) noexcept;
    [[nodiscard]] leaf* pop_front() noexcept;
    /// The first waiter that was not stopped meanwhile, claimed and taken out; null when there is none.
    [[nodiscard]] leaf* pop_claimed() noexcept;

private:
    leaf* first_ = nullptr;
    leaf* last_ = nullptr;
};

template <class Awaiter> class leaf_awaiter : public leaf {
public:
    using leaf::leaf;

    [[nodiscard]] bool await_ready() noexcept {
        if (stop().requested()) [[unlikely]] {
            mode_ = mode::unwind;
            return false;
        }
        if (!static_cast<Awaiter*>(this)->try_now()) return false;
        if (--tls().credits != 0) [[likely]] {
            who = nullptr;
            return true;
        }
        mode_ = mode::queue; // the effect has happened and is delivered, through the queue
        return false;
    }

    template <class Promise> [[gnu::noinline]] bool await_suspend(std::coroutine_handle<Promise>) noexcept {
        promise_base* p = who;
        if (mode_ == mode::park) [[likely]] {
            if (static_cast<Awaiter*>(this)->park()) return true;
            who = nullptr;
            return false;
        }
        const step what = mode_ == mode::queue ? step::resume : step::unwind;
        if (what == step::resume) who = nullptr;
        detach(p);
        post(p, what);
        return true;
    }

protected:
    enum class mode : std::uint8_t { park, queue, unwind };

    /// Parks in `list` unless `ready()` says yes under the lock; K3 is kept here.
    template <class Lock, class Ready> bool park_in(Lock& lock, leaf_list& list, Ready ready) noexcept {
        std::lock_guard guard(lock);
        if (ready()) return false;
        detach(who);
        list.push_back(*this);
        if (stop().park(*this)) [[likely]] return true;
        list.remove(*this);
        post(who, step::unwind);
        return true;
    }

    /// For the destructor: a waiter that was stopped leaves the list. One that was resumed is not in it any more.
    template <class Lock> void abandon(Lock& lock, leaf_list& list) noexcept {
        if (who == nullptr) [[likely]] return;
        std::lock_guard guard(lock);
        if (linked) list.remove(*this);
    }

    /// First thing in await_resume of awaiters that call abandon(): the wait was completed.
    void completed() noexcept { who = nullptr; }

    mode mode_ = mode::park;
};

/// Suspends the frame and unwinds it: how a cancellation that was held back goes on.
struct pass_stop {
    promise_base* p;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise> [[gnu::noinline]] bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
        promise_base* me = &h.promise();
        detach(me);
        post(me, step::unwind);
        return true;
    }
    void await_resume() const noexcept {}
};

} // namespace detail
} // namespace v0
} // namespace bide
