// SPDX-License-Identifier: BSL-1.0
//
// foreign_leaf: a bide task awaits an awaitable that bide does not know. The foreign code gets the handle of a small
// coroutine of bide's; resuming that, on any thread, posts the awaiting frame to the frame's own executor. A stop
// request does not destroy the task before that, because bide has no way to tell the foreign code.
#pragma once

#include <bide/detail/kernel/awaitable.hpp>
#include <bide/detail/kernel/task_node.hpp>

#include <coroutine>
#include <exception>
#include <type_traits>

namespace bide {
inline namespace v0 {
namespace detail {

/// The small coroutine. It is suspended at its beginning; resuming it posts the awaiting frame, once.
struct hand_back {
    struct promise_type {
        hand_back get_return_object() noexcept {
            return hand_back{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
    explicit hand_back(std::coroutine_handle<promise_type> h) noexcept : handle(h) {}
};
hand_back hand_back_to(promise_base* waiting);

template <class A>
class foreign_leaf {
public:
    foreign_leaf(promise_base& p, A&& a) : p_(&p), awaiter_(foreign_awaiter_of(std::forward<A>(a))) {}
    foreign_leaf(const foreign_leaf&) = delete;
    foreign_leaf& operator=(const foreign_leaf&) = delete;

    [[nodiscard]] bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) {
        promise_base* me = p_;
        const hand_back proxy = hand_back_to(me);
        const std::coroutine_handle<> given = proxy.handle;
        materialize_context(me);
        me->ctx->owner->enters_foreign_code(*me);
        detach(me);  // K3: from the next line on the foreign code may resume us on another thread
        post_opened_forks();
        std::coroutine_handle<> next;
        try {
            next = suspend_in(given);
        } catch (...) {
            // The frame is detached already, so it cannot continue here with the exception: it is posted.
            error_ = std::current_exception();
            next = given;
        }
        if (next) next.resume();  // a coroutine of the foreign code; or `given`: the await did not suspend
        return true;
    }
    decltype(auto) await_resume() {
        p_->ctx->owner->resumes();
        if (error_) std::rethrow_exception(std::move(error_));
        return awaiter_.await_resume();
    }

private:
    /// The coroutine to resume next, or null.
    std::coroutine_handle<> suspend_in(std::coroutine_handle<> given) {
        using result = decltype(awaiter_.await_suspend(given));
        if constexpr (std::is_void_v<result>) {
            awaiter_.await_suspend(given);
            return nullptr;
        } else if constexpr (std::is_same_v<result, bool>) {
            return awaiter_.await_suspend(given) ? std::coroutine_handle<>() : given;
        } else {
            return awaiter_.await_suspend(given);
        }
    }

    promise_base* p_;
    std::exception_ptr error_;  // thrown by the foreign await_suspend
    using held = decltype(foreign_awaiter_of(std::declval<A>()));
    held awaiter_;  // an object, or a reference to the awaited expression, which outlives the suspension
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
