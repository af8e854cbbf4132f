// SPDX-License-Identifier: BSL-1.0
//
// stop.hpp: ask work to end, and be told that one is asked.
//
// Every task has a stop request of its own, and the requests form a tree: scopes, when_all, with_timeout and wait()
// pass them downwards. A program rarely needs more than scope::stop and future::stop. This header is for the ends of
// the tree:
//
//     bide::stop_source quit;                                   // asks
//     on_signal([quit] { quit.request_stop(); });
//     co_await bide::with_stop(quit.token(), serve());          // is asked (shield.hpp)
//
//     for (auto& block : data) {                                // code that computes asks by itself
//         if (bide::stop_requested()) return;
//         crunch(block);
//     }
//     bide::stop_callback wake([&] { ::shutdown(fd, SHUT_RDWR); });   // a blocking job is told
//     ::read(fd, …);
//
// A request stays set, with its first reason. It is a request: how the work ended is seen from its result.
//
// Thread rule: every function may be called from any thread.
// Lifetime rule: source and token share one state, which lives as long as one of them. A stop_callback is called at
//   most once; when its destructor has returned the function is not running and will not run (one that runs on another
//   thread is waited for; a callback may destroy itself).
// Callbacks run on the thread that requests the stop, outside every lock of bide's, in the order of registration; at
//   once, in the constructor, when the stop was requested before. What they throw goes to the unhandled-error hook.
#pragma once

#include <bide/detail/base/invoke.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>
#include <bide/error.hpp>
#include <bide/hooks.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

struct shared_stop {  // what a source and its tokens share
    std::atomic<std::uint32_t> refs{1};
    stop_state state;
    void drop() noexcept {
        // acq_rel: the last one sees everything that the others did with it
        if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
};

class shared_stop_ref {
public:
    explicit shared_stop_ref(shared_stop* adopted = nullptr) noexcept : state_(adopted) {}
    shared_stop_ref(const shared_stop_ref& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->refs.fetch_add(1, std::memory_order_relaxed);  // relaxed: `other` has one
    }
    shared_stop_ref(shared_stop_ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    shared_stop_ref& operator=(shared_stop_ref other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~shared_stop_ref() {
        if (state_ != nullptr) state_->drop();
    }
    [[nodiscard]] stop_state* get() const noexcept { return state_ != nullptr ? &state_->state : nullptr; }

private:
    shared_stop* state_;
};

/// The registration of a callback with a stop_state that outlives it.
class stop_registration : public stop_callback_link {
public:
    stop_registration(const stop_registration&) = delete;
    stop_registration& operator=(const stop_registration&) = delete;

protected:
    explicit stop_registration(void (*f)(stop_callback_link*) noexcept) noexcept : stop_callback_link(f) {}
    ~stop_registration() = default;
    void enter(stop_state* state) noexcept;  // calls it at once when the stop was requested
    void leave() noexcept;                   // afterwards it does not run and will not run

private:
    stop_state* in_ = nullptr;
};

[[nodiscard]] stop_state* current_stop() noexcept;

}  // namespace detail

/// Whether a source has asked. A default-constructed token never is.
class stop_token {
public:
    stop_token() noexcept = default;

    [[nodiscard]] bool stop_requested() const noexcept { return state_.get() != nullptr && state_.get()->requested(); }
    /// stop_reason::none until it was requested.
    [[nodiscard]] stop_reason reason() const noexcept {
        return state_.get() != nullptr ? state_.get()->reason() : stop_reason::none;
    }

    // Internal.
    explicit stop_token(detail::shared_stop_ref state) noexcept : state_(std::move(state)) {}
    [[nodiscard]] detail::stop_state* state() const noexcept { return state_.get(); }

private:
    detail::shared_stop_ref state_;
};

/// Asks whoever holds one of its tokens to end. Copies ask for the same.
class stop_source {
public:
    stop_source() : state_(new detail::shared_stop) {}

    /// False: it was requested before, with another reason perhaps.
    bool request_stop(stop_reason why = stop_reason::user) const noexcept;

    [[nodiscard]] stop_token token() const noexcept { return stop_token(state_); }
    [[nodiscard]] bool stop_requested() const noexcept { return token().stop_requested(); }

private:
    detail::shared_stop_ref state_;
};

/// Calls f once when the stop is requested, while it lives.
template <std::invocable<> F>
class stop_callback : private detail::stop_registration {
public:
    template <class G>
        requires std::is_constructible_v<F, G>
    explicit stop_callback(stop_token token, G&& f)
        : stop_registration(&call), token_(std::move(token)), f_(std::forward<G>(f)) {
        enter(token_.state());
    }
    /// For the code that runs now: the task (or the job on a thread) in which it is made, and which it must not
    /// outlive.
    template <class G>
        requires std::is_constructible_v<F, G>
    explicit stop_callback(G&& f) : stop_registration(&call), f_(std::forward<G>(f)) {
        enter(detail::current_stop());
    }
    stop_callback(const stop_callback&) = delete;
    stop_callback& operator=(const stop_callback&) = delete;
    ~stop_callback() { leave(); }

private:
    static void call(detail::stop_callback_link* self) noexcept {
        try {
            detail::invoke(static_cast<stop_callback*>(static_cast<stop_registration*>(self))->f_);
        } catch (...) {
            report_unhandled(std::current_exception(), "a stop_callback");
        }
    }

    stop_token token_;
    F f_;
};
template <class F>
stop_callback(stop_token, F) -> stop_callback<F>;
template <class F>
stop_callback(F) -> stop_callback<F>;

/// Whether the code that runs now, a task or a job on one of bide's threads, was asked to end. In other code: false.
[[nodiscard]] bool stop_requested() noexcept;

/// Why; stop_reason::none when it was not.
[[nodiscard]] stop_reason why_stopped() noexcept;

}  // namespace v0
}  // namespace bide
