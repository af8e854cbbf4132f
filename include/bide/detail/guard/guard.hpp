// SPDX-License-Identifier: BSL-1.0
//
// guard: awaits one operation under a context of its own: with another deadline, another stop request, other
// task-locals. The operation stays a part of the awaiting chain: same owner, same locks. A guard costs no frame, as a
// coroutine around the operation would.
//
//     Kind : guard            what differs: enter() before the operation begins, leave() after it has ended
//     guard_awaiter<T, Kind>  the awaiter: the guard, and the slot for the operation's result
//     guarded<T, Kind>        what the user holds until it is awaited
//
// How the awaiting frame goes on:
// - The operation ended with a value or a failure: the frame is resumed, and await_resume gives or throws it (K8).
// - The operation ended stopped, and the awaiting frame was asked to stop, too: the frame is unwound.
// - The operation ended stopped, and the awaiting frame was not asked: the guard itself had asked the operation, and
//   Kind::throw_stopped() says so.
// - The operation left with `cancelled` after it was asked to stop: that counts as stopped (2.4).
//
// Threads: run() and await_resume() are called on the awaiting frame's thread. on_ended() is called on the executor on
// which the operation ended.
#pragma once

#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/detail/kernel/task_node.hpp>

#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

class guard : public child_end {
public:
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;

protected:
    guard() noexcept : child_end{nullptr, &on_ended} {}
    ~guard() = default;

    /// Called by await_suspend. Returns true if the awaiting frame is suspended; the caller must not touch *this then.
    [[nodiscard]] bool run(promise_base& awaiting, slot_base& child) noexcept;
    /// Resumes or unwinds the awaiting frame. Called when leave() had returned false, and the guard is free now.
    void finish() noexcept;
    [[nodiscard]] bool outer_stopped() const noexcept { return waiting_frame->ctx->stop->requested(); }

    /// Called before the operation begins. ctx_ is a copy of `outer` with stop_ as its stop state, which is not linked
    /// yet.
    virtual void enter(context& outer) noexcept = 0;
    /// Called when the operation has ended. Returns false if another thread, or a node in a queue, uses the guard still
    /// and will call finish(). An implementation that returns false for an operation that ended in line detaches the
    /// awaiting frame before that other thread can see that finish() is its business.
    [[nodiscard]] virtual bool leave([[maybe_unused]] bool in_line) noexcept { return true; }
    /// Called when the operation has ended without a value: the last moment to find out that its deadline has passed.
    virtual void ended_without_value() noexcept {}
    /// Called after leave(). Returns true if the awaiting frame is unwound instead of resumed.
    [[nodiscard]] virtual bool passes_on() noexcept = 0;

    context ctx_;
    stop_state stop_;

private:
    static void on_ended(child_end* self, slot_base*) noexcept;
    void restore() noexcept;
    context* before_ = nullptr;
};

template <class T, class Kind>
class guard_awaiter final : public Kind {
public:
    /// Takes over a cold frame, so this constructor must not throw.
    template <class... A>
    guard_awaiter(promise_base& awaiting, promise_base* cold, A&&... args) noexcept
        : Kind(std::forward<A>(args)...), slot_(cold) {
        this->waiting_frame = &awaiting;
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        return this->run(*this->waiting_frame, slot_);
    }
    T await_resume() {
        if (slot_.state == outcome::stopped) [[unlikely]]
            this->throw_stopped();
        return slot_.take();
    }

private:
    [[nodiscard]] bool passes_on() noexcept override {
        if (slot_.state == outcome::value) return false;
        this->ended_without_value();
        slot_.settle(this->stop_);
        const bool unwound = slot_.state == outcome::stopped && this->outer_stopped();
        BIDE_ASSERT(K8, !unwound || slot_.state == outcome::stopped);
        return unwound;
    }
    slot<T> slot_;
};

/// An operation with its guard, which has not begun. Awaited once.
template <class T, class Kind>
class [[nodiscard("a guarded operation runs only when it is awaited or waited for")]] guarded {
public:
    using awaited_once = void;
    template <class... A>
    explicit guarded(task<T> op, A&&... parameters) : op_(std::move(op)), with_(std::forward<A>(parameters)...) {}

    /// Blocks until the operation has ended. See wait.hpp.
    T wait(std::source_location where = std::source_location::current()) {
        return as_task(std::move(*this)).wait(where);
    }

    // Internal.
    [[nodiscard]] guard_awaiter<T, Kind> native_awaiter(promise_base& p) {
        return guard_awaiter<T, Kind>(p, op_.release(p.where), std::move(with_));
    }

private:
    task<T> op_;
    typename Kind::parameters with_;
};

template <class A>
task<await_result_t<A&>> as_task_of_copy(A a) {
    co_return co_await a;
}

/// Turns what guards and combinators are given into a task. A task stays as it is. Another awaitable gets a frame of
/// its own, which holds it: an rvalue moved, an lvalue copied if it can be (a future handle can), else by reference.
template <awaitable A>
auto to_task(A&& a) {
    using held = std::remove_cvref_t<A>;
    if constexpr (!std::is_lvalue_reference_v<A>) {
        return as_task(std::forward<A>(a));
    } else {
        static_assert(
            !requires { typename held::awaited_once; }, "bide: a task is awaited once: hand it over with std::move(t)");
        if constexpr (requires { typename held::awaited_once; })
            return as_task(static_cast<held&&>(a));  // refused above: no second error
        else if constexpr (std::is_copy_constructible_v<held>)
            return as_task_of_copy<held>(a);
        else
            return as_task_of(a);
    }
}
template <awaitable A>
using task_result_t = typename decltype(to_task(std::declval<A>()))::value_type;

}  // namespace detail
}  // namespace v0
}  // namespace bide
