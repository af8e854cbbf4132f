// SPDX-License-Identifier: BSL-1.0
//
// stop.hpp: ask work to end, and be told that one is asked.
//
// Every task has a stop request of its own. The requests form a tree: scopes, when_all, with_timeout and wait() pass
// them downwards. Most programs need scope::stop and future::stop alone. This header is for the two ends of the tree,
// the code that requests and the code that looks for a request:
//
//     bide::stop_source quit;                                   // asks
//     on_signal([quit] { quit.request_stop(); });
//     co_await bide::with_stop(quit.token(), serve());          // is asked to end (shield.hpp)
//
//     for (auto& block : data) {                                // code that computes checks by itself
//         if (bide::stop_requested()) return;
//         crunch(block);
//     }
//     bide::stop_callback wake([&] { ::shutdown(fd, SHUT_RDWR); });   // a blocking job is told
//     ::read(fd, …);
//
// A request stays set, with its first reason. It does not force an end: the result of the work shows how the work
// ended.
//
// Thread rule: any thread may call every function.
// Lifetime rule: source and token share one state, which lives as long as one of them.
// Callbacks: a stop_callback calls its function at most once, on the thread that requests the stop, in the order of
//   registration, while bide holds none of its locks. If stop was requested before, the constructor calls the function.
// Destructor: when the destructor of a stop_callback has returned, the function does not run and will not run. The
//   destructor blocks while the function runs on another thread. A callback may destroy itself.
// Errors: what a callback throws goes to the unhandled-error hook. The constructor of stop_source throws bad_alloc.
#pragma once

#include <bide/detail/base/countdown.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>
#include <bide/error.hpp>
#include <bide/hooks.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

struct shared_stop {  // what a source and its tokens share
    countdown refs{1};
    stop_state state;
    void drop() noexcept {
        if (refs.take_off()) delete this;
    }
};

class shared_stop_ref {
public:
    explicit shared_stop_ref(shared_stop* adopted = nullptr) noexcept : state_(adopted) {}
    shared_stop_ref(const shared_stop_ref& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->refs.add();
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
    void enter(stop_state* state) noexcept;  // calls the callback at once if stop was requested
    void leave() noexcept;                   // the callback does not run, and will not run, after leave() has returned

private:
    stop_state* in_ = nullptr;
};

[[nodiscard]] stop_state* current_stop() noexcept;

}  // namespace detail

/// Tells whether its source has requested a stop. A default-constructed token has no source, and never tells so.
class stop_token {
public:
    stop_token() noexcept = default;

    [[nodiscard]] bool stop_requested() const noexcept { return state_.get() != nullptr && state_.get()->requested(); }
    /// The reason of the first request; stop_reason::none before it.
    [[nodiscard]] stop_reason reason() const noexcept {
        return state_.get() != nullptr ? state_.get()->reason() : stop_reason::none;
    }

    // Internal.
    explicit stop_token(detail::shared_stop_ref state) noexcept : state_(std::move(state)) {}
    [[nodiscard]] detail::stop_state* state() const noexcept { return state_.get(); }

private:
    detail::shared_stop_ref state_;
};

/// Requests a stop from all code that has one of its tokens. Copies share one request.
class stop_source {
public:
    stop_source() : state_(new detail::shared_stop) {}

    /// Returns false if stop was requested before; the first reason stays.
    bool request_stop(stop_reason why = stop_reason::user) const noexcept;

    [[nodiscard]] stop_token token() const noexcept { return stop_token(state_); }
    [[nodiscard]] bool stop_requested() const noexcept { return token().stop_requested(); }

private:
    detail::shared_stop_ref state_;
};

/// Calls f once, when stop is requested while the stop_callback is alive.
template <std::invocable<> F>
class stop_callback : private detail::stop_registration {
public:
    template <class G>
        requires std::is_constructible_v<F, G>
    explicit stop_callback(stop_token token, G&& f)
        : stop_registration(&call), token_(std::move(token)), f_(std::forward<G>(f)) {
        enter(token_.state());
    }
    /// Registers with the task, or the job on a thread, that the constructor runs in. The stop_callback must not
    /// outlive it.
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

/// Returns true if the running task, or the running job on one of bide's threads, was asked to stop. Returns false in
/// other code.
[[nodiscard]] bool stop_requested() noexcept;

/// The reason of that request; stop_reason::none where stop_requested() is false.
[[nodiscard]] stop_reason why_stopped() noexcept;

}  // namespace v0
}  // namespace bide
