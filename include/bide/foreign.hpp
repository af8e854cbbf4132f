// SPDX-License-Identifier: BSL-1.0
//
// foreign.hpp: bide's awaitables in coroutines of another library (a GUI's task type, a generator of your own), and the
// choice of the thread on which such a coroutine is resumed.
//
//     foreign_task page(std::string url) {
//         std::string text = co_await fetch(url);     // a bide::task, awaited by a type that bide does not know
//         std::string more = co_await bide::via(post_to_gui, fetch(url));  // resumed by post_to_gui(handle)
//     }
//
// The work runs on bide's background loop. When it has ended, the background loop's thread calls the hand-over with the
// handle of the foreign coroutine. The default hand-over resumes the handle on that thread.
// (The other direction needs no header: a bide task may co_await every type that has await_ready, await_suspend and
// await_resume. The task's frame is not destroyed before the foreign code resumes it, and it is resumed on its own
// executor.)
//
// Thread rule: await from any thread; the hand-over decides where the coroutine is resumed.
// Lifetime rule: the awaitable is moved into the work. An lvalue is copied, so a task needs std::move.
// Cancellation: nothing of bide's asks a foreign coroutine to stop; destroy it to stop the work.
// Destructor: a foreign coroutine that is destroyed while it waits stops the work and drops its result.
// Errors: the work's own exception; `cancelled` when the work was stopped. The unhandled-error hook gets what a
// hand-over
//   throws.
#pragma once

#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>

#include <atomic>
#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

/// Decides once between the end of the work, which resumes the foreign coroutine, and the awaiter's destructor, after
/// which nobody resumes it. take() returns true to the first of the two.
class foreign_turn : public counted {
public:
    [[nodiscard]] bool take() noexcept {
        // acq_rel: the end of the work publishes the result; the destructor what it wrote before.
        return !taken_.exchange(true, std::memory_order_acq_rel);
    }

private:
    std::atomic<bool> taken_{false};
};

/// Resumes the foreign coroutine at the end of the work. Both callbacks of the future share it.
template <class HandOver>
class foreign_end : public counted {
public:
    foreign_end(const counted_ptr<foreign_turn>& turn, std::coroutine_handle<> h, HandOver&& hand_over)
        : turn_(turn), handle_(h), hand_over_(std::move(hand_over)) {}
    void tell() {
        if (turn_->take()) detail::invoke(hand_over_, handle_);
    }

private:
    counted_ptr<foreign_turn> turn_;
    std::coroutine_handle<> handle_;
    HandOver hand_over_;
};

struct resume_there {
    void operator()(std::coroutine_handle<> h) const { h.resume(); }
};

template <class A, class HandOver>
class foreign_awaiter {
    using result = await_result_t<A>;

public:
    foreign_awaiter(A&& work, HandOver hand_over) : work_(std::move(work)), hand_over_(std::move(hand_over)) {}
    foreign_awaiter(const foreign_awaiter&) = delete;
    foreign_awaiter& operator=(const foreign_awaiter&) = delete;
    ~foreign_awaiter() {
        if (turn_ && turn_->take()) future_.stop();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        loop& background = background_loop();
        loop_access::check_process(background);
        auto* const work = make_started(nullptr, std::source_location::current(), as_task(std::move(work_)));
        future_ = future<result>(work);
        turn_ = make_counted<foreign_turn>();
        const auto end = make_counted<foreign_end<HandOver>>(turn_, h, std::move(hand_over_));
        if constexpr (std::is_void_v<result>) {
            future_.subscribe([end] { end->tell(); }, [end](const std::exception_ptr&) { end->tell(); });
        } else {
            future_.subscribe([end](const auto&) { end->tell(); }, [end](const std::exception_ptr&) { end->tell(); });
        }
        // Last: work that ends at once knows whom to tell, and tells it over there; *this may be gone then.
        work->launch(background, loop_access::work_of(background), nullptr);
    }
    result await_resume() { return std::move(future_).value(); }

private:
    A work_;
    HandOver hand_over_;
    counted_ptr<foreign_turn> turn_;
    future<result> future_;
};

/// What via() gives.
template <class A, class HandOver>
class via_op {
public:
    via_op(HandOver hand_over, A work) : work_(std::move(work)), hand_over_(std::move(hand_over)) {}
    [[nodiscard]] foreign_awaiter<A, HandOver> operator co_await() && {
        return foreign_awaiter<A, HandOver>(std::move(work_), std::move(hand_over_));
    }

private:
    A work_;
    HandOver hand_over_;
};

}  // namespace detail

/// For a foreign coroutine: the awaitable, and who resumes the coroutine with its handle when the work has ended. It has
/// no .wait(), because plain code has no handle to hand over: it waits for the work itself.
template <class HandOver, class A>
    requires detail::native_awaitable<A> && std::is_invocable_v<std::decay_t<HandOver>&, std::coroutine_handle<>>
[[nodiscard]] auto via(HandOver&& hand_over, A&& work) {
    static_assert(std::is_constructible_v<std::decay_t<A>, A>,
                  "bide: a task is awaited once: write via(f, std::move(t))");
    return detail::via_op<std::decay_t<A>, std::decay_t<HandOver>>(std::forward<HandOver>(hand_over),
                                                                   std::forward<A>(work));
}

/// What a coroutine type that bide does not know finds. (bide's own tasks never look here.)
template <class A>
    requires detail::native_awaitable<A>
[[nodiscard]] auto operator co_await(A&& work) {
    static_assert(std::is_constructible_v<std::decay_t<A>, A>,
                  "bide: a task is awaited once: write co_await std::move(t)");
    return detail::foreign_awaiter<std::decay_t<A>, detail::resume_there>(std::decay_t<A>(std::forward<A>(work)),
                                                                          detail::resume_there());
}

namespace detail {
using v0::operator co_await;  // many awaitables are of types in detail: found by their arguments there
}  // namespace detail

}  // namespace v0
}  // namespace bide
