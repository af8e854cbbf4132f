// SPDX-License-Identifier: BSL-1.0
//
// future<T>: a handle to a result that arrives later. promise<T>: the other end, for code with callbacks.
//
// A future is hot: its work was started elsewhere. Handles may be copied, and many threads and coroutines may wait for
// one result.
//
//     bide::promise<int> p;
//     bide::future<int> f = p.get_future();
//     legacy_read([p = std::move(p)](int n) mutable { p.set_value(n); });
//     int n = f.wait();                       // or: co_await f
//
// Thread rule: a handle is a value; every operation may be called from any thread.
// Lifetime rule: the result lives as long as a handle does, also after its scope is gone. A reference that value(),
//   wait() or co_await gave refers into the result. On an rvalue future the result is moved out, for all handles. A
//   handle may be destroyed or assigned to while a task or thread waits through it: the wait keeps the result that the
//   handle had when the wait began. (If no handle is left when such a wait() ends, its reference would refer to
//   nothing: it throws usage_error.)
// Cancellation: cancelling a waiter never cancels the producer; stop() asks the producer to end.
// Destructor: dropping the last handle detaches the work. A failure that no waiter has received goes to the unhandled-
//   error hook.
// Errors: wait() and co_await rethrow the producer's exception, as itself, every time; they throw `cancelled` if the
//   producer was cancelled. value() throws not_ready before completion.
#pragma once

#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/future/future_state.hpp>
#include <bide/detail/future/started.hpp>
#include <bide/future_status.hpp>
#include <bide/hooks.hpp>
#include <bide/task.hpp>

#include <concepts>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

/// Where a subscriber is called: by the thread that produces the result, or by the subscribing thread, which waits for
/// it.
enum class run_on : std::uint8_t { producer, caller };

template <class T = void>
class future {
public:
    using value_type = T;

    future() noexcept = default;
    future(const future& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->add_ref();
    }
    future(future&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    future& operator=(future other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~future() {
        if (state_ != nullptr) state_->drop_ref();
    }

    /// Returns false for a default-constructed or moved-from handle; everything below throws usage_error then.
    [[nodiscard]] bool valid() const noexcept { return state_ != nullptr; }
    [[nodiscard]] future_status status() const { return state().status(); }

    /// The result. Never waits: throws not_ready before completion.
    decltype(auto) value() const& {
        need_ready();
        return state_->get();
    }
    T value() && {
        need_ready();
        return state_->get_moved();
    }

    /// Blocks the calling thread until the result is there. wait.hpp says how, and where it may.
    decltype(auto) wait(std::source_location where = std::source_location::current()) const& {
        if (state().ready()) {
            state_->consume();
            return state_->get_waited();
        }
        const future held = held_until_ready(where);
        held.state_->consume();
        return held.state_->get_held();
    }
    T wait(std::source_location where = std::source_location::current()) && {
        if (state().ready()) {
            state_->consume();
            return state_->move_waited();
        }
        const future held = held_until_ready(where);
        held.state_->consume();
        return held.state_->move_waited();
    }

    /// Asks the producer to stop. Further calls, and calls after completion, do nothing.
    void stop(stop_reason why = stop_reason::user) const {
        const future held(*this);  // a callback of the producer's end may drop this handle
        held.state().stop_producer(why);
    }

    /// Calls on_value(const T&) or on_error(std::exception_ptr) once, when the result is there; immediately if it is
    /// already.
    template <class V, class E>
    void subscribe(V on_value, E on_error, run_on where = run_on::producer) const;

    // Internal.
    [[nodiscard]] auto native_awaiter(detail::promise_base& p) const& {
        return detail::future_awaiter<T, false>(p, state());
    }
    [[nodiscard]] auto native_awaiter(detail::promise_base& p) && {
        return detail::future_awaiter<T, true>(p, state());
    }
    explicit future(detail::future_state<T>* adopted) noexcept : state_(adopted) {}
    [[nodiscard]] detail::future_state<T>& state() const {
        if (state_ == nullptr) [[unlikely]]
            throw usage_error("this future is empty: it was moved from or default-constructed");
        return *state_;
    }

private:
    void need_ready() const {
        if (!state().ready()) throw not_ready();
    }
    /// Waits, and returns a handle of its own: other tasks run during the wait, and may destroy or assign to *this.
    future held_until_ready(const std::source_location& where) const {
        future held(*this);
        if (!held.state_->run_now()) {
            detail::blocking_wait<void> waited(completion_of(held).release(where), where);
            waited.run();
        }
        return held;
    }
    struct completion_awaiter : detail::owned_leaf<completion_awaiter> {  // waits, takes no result and consumes nothing
        using base = detail::owned_leaf<completion_awaiter>;
        detail::future_state<T>* s;
        completion_awaiter(detail::promise_base& p, detail::future_state<T>& st) noexcept
            : base(p, detail::future_kind, &st), s(&st) {}
        // Unanalyzed: abandon() takes the lock, which it knows by another name.
        ~completion_awaiter() BIDE_UNANALYZED {
            this->abandon(s->lock, s->waiters);
            BIDE_ASSERT(L2, !this->linked);
        }
        [[nodiscard]] bool try_now() const noexcept { return s->ready(); }
        // Unanalyzed: park_owned() takes the lock, which it knows by another name.
        [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
            return this->park_owned(s->lock, s->waiters, [this] { return s->ready(); });
        }
        void await_resume() {
            this->completed();
            BIDE_ASSERT(L1, s->ready());
        }
        [[nodiscard]] detail::wait_target target() const noexcept { return {s->unfinished_producer()}; }
    };
    struct completion_op {
        detail::future_state<T>* s;
        explicit completion_op(detail::future_state<T>& st) noexcept : s(&st) {}
        completion_awaiter native_awaiter(detail::promise_base& p) const { return completion_awaiter(p, *s); }
    };
    static task<> completion_of(future f) { co_await completion_op(f.state()); }

    detail::future_state<T>* state_ = nullptr;
};

namespace detail {

template <class T>
class promise_state final : public future_state<T> {
public:
    stop_state stop;
    std::atomic<bool> taken{false};  // a thread completes it, or has
    void stop_producer(stop_reason why) noexcept override { stop.request(why); }

private:
    void destroy() noexcept override { delete this; }
};

template <class T, class V, class E>
class subscription final : public subscriber {
public:
    subscription(V v, E e) : on_value_(std::move(v)), on_error_(std::move(e)) {}
    void call(future_base& base) override {
        auto& s = static_cast<future_state<T>&>(base);
        if (s.status() != future_status::succeeded) {
            s.consume();
            detail::invoke(on_error_, s.failure());
        } else if constexpr (std::is_void_v<T>) {
            detail::invoke(on_value_);
        } else {
            detail::invoke(on_value_, s.get());
        }
    }

private:
    V on_value_;
    E on_error_;
};

template <class F>
bool is_null(const F& f) {
    if constexpr (requires { static_cast<bool>(f == nullptr); })
        return static_cast<bool>(f == nullptr);
    else
        return false;
}
[[noreturn]] void throw_null_callback();
[[noreturn]] void throw_null_exception();
[[noreturn]] void throw_second_result();
[[noreturn]] void throw_second_future();
/// Returns a bad_alloc if there is no memory for a broken_promise.
[[nodiscard]] std::exception_ptr make_broken_promise() noexcept;

}  // namespace detail

template <class T>
template <class V, class E>
void future<T>::subscribe(V on_value, E on_error, run_on where) const {
    if (detail::is_null(on_value) || detail::is_null(on_error)) detail::throw_null_callback();
    auto s = detail::make_owned<detail::subscription<T, V, E>>(std::move(on_value), std::move(on_error));
    if (where == run_on::caller) {
        const future held = state().ready() ? *this : held_until_ready(std::source_location::current());
        try {
            s->call(*held.state_);
        } catch (...) {
            report_unhandled(std::current_exception(), "a future's subscriber");
        }
    } else {
        state().subscribe(s.release());
    }
}

/// Completes a future once, from any thread. Dropped before that, it completes the future with broken_promise.
template <class T = void>
class promise {
public:
    promise() : state_(new detail::promise_state<T>) { state_->result.state = detail::outcome::value; }
    promise(promise&& other) noexcept : state_(std::exchange(other.state_, nullptr)), given_(other.given_) {}
    promise& operator=(promise&& other) noexcept {
        promise taken(std::move(other));
        std::swap(state_, taken.state_);
        std::swap(given_, taken.given_);
        return *this;
    }
    ~promise() {
        if (state_ == nullptr) return;
        if (given_ && !state_->taken.exchange(true, std::memory_order_acq_rel)) {
            state_->result.fail(detail::make_broken_promise());
            state_->publish(future_status::failed);
        }
        state_->drop_ref();
    }

    /// Returns the future. A second call throws usage_error; copy the future instead.
    [[nodiscard]] future<T> get_future() {
        need();
        if (given_) detail::throw_second_future();
        given_ = true;
        state_->add_ref();
        return future<T>(state_);
    }
    template <class... V>
        requires std::is_constructible_v<detail::stored_t<T>, V...> && (!std::is_reference_v<T>)
    void set_value(V&&... value) {
        claim();
        try {
            state_->result.emplace(std::forward<V>(value)...);
        } catch (...) {  // nothing has happened: the promise can still be completed
            state_->taken.store(false, std::memory_order_release);
            throw;
        }
        state_->publish(future_status::succeeded);
    }
    template <class U = T>  // a template: T may be void
        requires std::is_reference_v<U>
    void set_value(std::type_identity_t<U> value) {
        claim();
        state_->result.emplace(std::addressof(value));
        state_->publish(future_status::succeeded);
    }
    void set_exception(std::exception_ptr error) {
        if (error == nullptr) detail::throw_null_exception();
        claim();
        state_->result.fail(std::move(error));
        state_->publish(future_status::failed);
    }
    /// The work was cancelled: waiters get `cancelled`.
    void set_cancelled(stop_reason why = stop_reason::user) {
        claim();
        state_->result.state = detail::outcome::stopped;
        state_->set_why(why);
        state_->publish(future_status::cancelled);
    }
    /// Returns true if stop() was called on the future.
    [[nodiscard]] bool stop_requested() const { return need().stop.requested(); }

private:
    detail::promise_state<T>& need() const {
        if (state_ == nullptr) [[unlikely]]
            throw usage_error("this promise was moved from");
        return *state_;
    }
    void claim() {
        // acq_rel: of two threads that complete it, one gets the error and touches nothing.
        if (need().taken.exchange(true, std::memory_order_acq_rel)) detail::throw_second_result();
    }

    detail::promise_state<T>* state_;
    bool given_ = false;
};

namespace detail {
template <class F, class... A>
auto submit_started(executor& ex, submitted_work* work, const std::source_location& where, F&& f, A&&... args) {
    auto* n = make_started(nullptr, where, std::forward<F>(f), std::forward<A>(args)...);
    using T = result_of_node<std::remove_pointer_t<decltype(n)>>;
    future<T> result(n);
    n->launch(ex, *work, nullptr);
    return result;
}
}  // namespace detail

}  // namespace v0
}  // namespace bide
