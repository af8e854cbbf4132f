// SPDX-License-Identifier: BSL-1.0
//
// The result that several handles share: written once, by a started task, a job on a thread, or a promise.
// Order at completion: the completing thread claims and posts the waiters in the order in which they came, then it
// calls the subscribers, then it tells the owner of the producer (a scope). So a waiter has its failure before any
// cancellation that this failure causes.
#pragma once

#include <bide/detail/base/cancelled.hpp>
#include <bide/detail/base/countdown.hpp>
#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/deadlock/wait_graph.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/future_status.hpp>
#include <bide/hooks.hpp>

#include <atomic>
#include <cstdint>
#include <exception>

namespace bide {
inline namespace v0 {

namespace detail {

class future_base;

struct subscriber {
    subscriber* next = nullptr;
    virtual void call(future_base& state) = 0;  // may throw; goes to the hook
    virtual ~subscriber() = default;
};

class future_base {
public:
    future_base(const future_base&) = delete;
    future_base& operator=(const future_base&) = delete;

    /// Returns true if the caller has the only reference.
    [[nodiscard]] bool only_ref() const noexcept { return refs_.is_last(); }
    void add_ref() noexcept { refs_.add(); }
    /// For a state that no other thread knows of yet: no exchange is needed.
    void add_ref_alone() noexcept { refs_.add_alone(); }
    void drop_ref_alone() noexcept { refs_.take_off_alone(); }  // not the last one
    void drop_ref() noexcept {
        if (release_ref()) last_ref_gone();
    }
    /// As drop_ref(), but returns true if it was the last one, and leaves what has to be done then to the caller.
    [[nodiscard]] bool release_ref() noexcept { return refs_.take_off_cheaply(); }
    [[nodiscard]] future_status status() const noexcept { return status_.load(std::memory_order_acquire); }
    [[nodiscard]] bool ready() const noexcept { return status() != future_status::pending; }

    void consume() noexcept { consumed_.store(true, std::memory_order_relaxed); }  // relaxed: read after a join
    [[nodiscard]] bool consumed() const noexcept { return consumed_.load(std::memory_order_relaxed); }
    /// The owner (a scope) answers for the failure: the last reference does not report it.
    void leave_failure_to_owner() noexcept { owned_ = true; }

    /// Makes the result, which is in the slot, known: resumes the waiters and calls the subscribers. The caller has a
    /// reference.
    void publish(future_status how) noexcept BIDE_EXCLUDES(lock);
    /// The same where all handles are copies of one that was there before the producer began.
    /// TRAP: a promise gives its handle at any time, also while another thread completes it: that is publish().
    /// Unanalyzed: it reads subscribers_ without the lock, where the caller's reference is the only one.
    void publish_started(future_status how) noexcept BIDE_UNANALYZED {
        // No waiter is there, for a waiter has a reference, and none can come. relaxed: only the owner reads it, which
        // is told.
        if (only_ref() && subscribers_.empty())
            status_.store(how, std::memory_order_relaxed);
        else
            publish(how);
    }

    void subscribe(subscriber* s) BIDE_EXCLUDES(lock);  // takes ownership

    /// Asks the producer to stop. Does nothing if there is none that could be asked.
    virtual void stop_producer(stop_reason) noexcept {}
    /// The chain of frames that will complete this, for the wait graph; null when unknown.
    [[nodiscard]] virtual task_node* producer() noexcept { return nullptr; }
    [[nodiscard]] task_node* unfinished_producer() noexcept { return ready() ? nullptr : producer(); }
    /// Called by a wait in plain code. Runs a producer that has not begun and may run on this thread. Returns true if
    /// it has ended.
    [[nodiscard]] virtual bool run_now() noexcept { return false; }
    [[nodiscard]] virtual std::exception_ptr failure() const noexcept = 0;  // status failed, or `cancelled`
    [[nodiscard]] stop_reason why_cancelled() const noexcept { return why_; }
    void set_why(stop_reason why) noexcept { why_ = why; }

    leaf_list waiters BIDE_GUARDED_BY(lock);

protected:
    explicit future_base(bool plain) noexcept : trivial_release(plain) {}
    ~future_base() = default;
    virtual void destroy() noexcept = 0;  // the last reference has gone

private:
    void last_ref_gone() noexcept BIDE_UNANALYZED;  // without the lock: the last reference has gone
    void run_subscribers() noexcept BIDE_EXCLUDES(lock);

    fifo<subscriber, &subscriber::next> subscribers_ BIDE_GUARDED_BY(lock);
    countdown refs_{1};
    std::atomic<future_status> status_{future_status::pending};
    std::atomic<bool> consumed_{false};
    bool owned_ = false;
    bool calling_ BIDE_GUARDED_BY(lock) = false;  // a thread is in run_subscribers()
    stop_reason why_ = stop_reason::user;

public:  // down here, where there is room for them
    spin_lock lock;
    bool trivial_release;  // after a success its destruction calls nothing of the user's. Read for started tasks only
};

/// The error of a wait() whose last handle was destroyed while it waited.
[[nodiscard]] std::exception_ptr handle_gone();
[[noreturn]] void throw_handle_gone();

template <class T>
class future_state : public future_base {
public:
    slot<T> result;  // state and value; complete once status() says so

    [[nodiscard]] std::exception_ptr failure() const noexcept override {
        return result.state == outcome::failed ? result.error : make_cancelled(why_cancelled());
    }
    [[noreturn]] void throw_failure() {
        consume();
        if (result.state == outcome::failed) std::rethrow_exception(result.error);
        throw cancelled(why_cancelled());
    }
    decltype(auto) get() {
        if (result.state != outcome::value) [[unlikely]]
            throw_failure();
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*result.val);
        else
            return static_cast<const T&>(result.val);
    }
    T get_moved() {
        if (result.state != outcome::value) [[unlikely]]
            throw_failure();
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*result.val);
        else
            return std::move(result.val);
    }
    /// As get() and get_moved(), for a wait(): during unwinding it does not throw, its failure goes to the hook.
    decltype(auto) get_waited() {
        if (!has_value()) [[unlikely]]
            return get_nothing();
        return get();
    }
    T move_waited() {
        if (!has_value()) [[unlikely]] {
            if constexpr (std::is_void_v<T> || std::is_reference_v<T>)
                return get_nothing();
            else if constexpr (std::is_default_constructible_v<T>)
                return get_nothing(), T();
            else
                get_nothing();
        }
        return get_moved();
    }
    /// As get_waited(), after a wait that held on to the state by a reference of its own: what refers into the result
    /// is given only if it will stay.
    decltype(auto) get_held() {
        if constexpr (!std::is_void_v<T> && !std::is_reference_v<T>)
            if (has_value() && only_ref()) [[unlikely]]
                return get_gone();
        return get_waited();
    }

protected:
    future_state() noexcept : future_base(std::is_trivially_destructible_v<stored_t<T>>) {}
    ~future_state() {
        if (ready()) result.drop();
    }

private:
    static const stored_t<T>& nothing() {
        static const stored_t<T>& one = *new stored_t<T>();  // never destroyed: the caller may keep the reference
        return one;
    }
    [[gnu::noinline, gnu::cold]] decltype(auto) get_gone() {
        if (!unwinding_now()) throw_handle_gone();
        report_unhandled(handle_gone(), "a wait() during unwinding");
        if constexpr (std::is_default_constructible_v<T>) {
            return nothing();
        } else {
            throw_handle_gone();
            return get();
        }
    }
    [[nodiscard]] bool has_value() const noexcept { return ready() && result.state == outcome::value; }
    [[gnu::noinline, gnu::cold]] decltype(auto) get_nothing() {
        if (!unwinding_now()) throw_failure();
        // Not ready: the wait ended as a deadlock, which was reported.
        if (ready() && result.state == outcome::failed) report_unhandled(result.error, "a wait() during unwinding");
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (!std::is_reference_v<T> && std::is_default_constructible_v<T>) {
            return nothing();
        } else {
            throw cancelled(stop_reason::user);  // there is no value to return
            return get();
        }
    }
};

inline constexpr wait_kind future_kind{"future", true};

template <class T, bool Move>
class future_awaiter : public owned_leaf<future_awaiter<T, Move>> {
    using base = owned_leaf<future_awaiter<T, Move>>;

public:
    future_awaiter(promise_base& p, future_state<T>& s) noexcept : base(p, future_kind, &s), state_(&s) {}
    future_awaiter(const future_awaiter&) = delete;
    future_awaiter& operator=(const future_awaiter&) = delete;
    // Unanalyzed: abandon() takes the lock, which it knows by another name.
    ~future_awaiter() BIDE_UNANALYZED {
        this->abandon(state_->lock, state_->waiters);
        BIDE_ASSERT(L2, !this->linked);
        if (has_reference_) state_->drop_ref();
    }

    [[nodiscard]] bool try_now() const noexcept { return state_->ready(); }
    // Unanalyzed: park_owned() takes the lock, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        return this->park_owned(state_->lock, state_->waiters, [this] { return state_->ready(); });
    }
    /// Takes a reference of its own: the handle may be destroyed while the task waits, and the state must not be. A
    /// result that is there already needs none: no other code runs before await_resume() takes it.
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> h) noexcept {
        state_->add_ref();
        has_reference_ = true;
        return base::await_suspend(h);
    }
    decltype(auto) await_resume() {
        this->completed();
        BIDE_ASSERT(L1, state_->ready());
        state_->consume();
        if constexpr (Move)
            return state_->get_moved();
        else
            return state_->get();
    }

    [[nodiscard]] wait_target target() const noexcept { return {state_->unfinished_producer()}; }

private:
    future_state<T>* state_;
    bool has_reference_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
