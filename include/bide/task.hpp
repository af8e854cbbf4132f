// SPDX-License-Identifier: BSL-1.0
//
// task<T>: a function that waits, called but not begun.
//
// A function that returns task<T> and uses co_await or co_return is a coroutine. Calling it runs none of its body: the
// task holds the arguments, and its consumer chooses how to wait.
//
//     bide::task<int> length(std::string text) { co_return static_cast<int>(text.size()); }
//
//     int a = length("plain").wait();                     // blocks, from any thread
//     bide::task<int> twice() { co_return 2 * co_await length("co_await"); }
//
// T may be void, a reference, move-only, not default-constructible.
//
// Thread rule: a cold task may be moved to any thread. One thread consumes it, once.
// Lifetime rule: parameters live in the frame until the task has ended, and what they *refer* to must live as long. A
//   lambda that is a coroutine refers to its own closure: give start() the callable and its arguments instead.
// Cancellation: a running task whose stop was requested ends at its next wait. Its frame is destroyed in the order of
//   C++ unwinding, the frames of its callers after it. No exception is thrown.
// Destructor: a task that was never consumed destroys its arguments, and none of its body runs (reported with
//   BIDE_DEV=1).
// Errors: an exception that leaves the coroutine is rethrown, as itself, in the code that awaits or waits. Awaiting a
//   task that was moved from throws usage_error; awaiting a task twice (as an lvalue) does not compile.
// Memory: one frame per call, from per-thread free lists; a coroutine whose first parameters are (std::allocator_arg_t,
//   Alloc) takes its frame from that allocator.
#pragma once

#include <bide/awaitable.hpp>
#include <bide/detail/base/compiler.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/blocking_wait.hpp>
#include <bide/detail/kernel/foreign_leaf.hpp>
#include <bide/detail/kernel/frame.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/error.hpp>

#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {

template <class T = void>
class task;

namespace detail {

[[noreturn]] void throw_empty_task(const std::source_location& where);

/// What every task coroutine's promise has in common; `Memory` says where its frame lives.
template <class T>
class promise_common : public promise_base {
public:
    task<T> get_return_object(std::source_location here = std::source_location::current()) noexcept {
        origin = here;
        return task<T>(this);
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() noexcept { return {this}; }
    [[gnu::cold]] void unhandled_exception() noexcept { result().fail(std::current_exception()); }

    template <native_awaitable A>
    auto await_transform(A&& a, std::source_location here = std::source_location::current()) {
        static_assert(
            !std::is_lvalue_reference_v<A> || !requires { typename std::remove_cvref_t<A>::awaited_once; },
            "bide: a task is awaited once: write co_await std::move(t)");
        where = here;
        return std::forward<A>(a).native_awaiter(*this);
    }
    template <foreign_awaitable A>
    foreign_leaf<A> await_transform(A&& a, std::source_location here = std::source_location::current()) {
        where = here;
        return foreign_leaf<A>(*this, std::forward<A>(a));
    }
    template <class A>
        requires(!awaitable<A>)
    void await_transform(A&&) {
        static_assert(awaitable<A>,
                      "bide: this cannot be awaited (for a task held in a variable: co_await std::move(t))");
    }

protected:
    slot<T>& result() noexcept { return *static_cast<slot<T>*>(result_slot); }
};

template <class T>
class promise_value : public promise_common<T> {
public:
    template <class U = T>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>) {
            T bound = static_cast<T>(value);
            this->result().emplace(std::addressof(bound));
        } else {
            this->result().emplace(std::forward<U>(value));
        }
    }
};
template <>
class promise_value<void> : public promise_common<void> {
public:
    void return_void() const noexcept {}
};

template <class T>
class task_promise : public promise_value<T> {
public:
    static void* operator new(std::size_t n) { return frame_alloc(n); }
    static void operator delete(void* frame, std::size_t n) noexcept { frame_free(frame, n); }
};

/// The promise of a coroutine that was given an allocator; found by std::coroutine_traits below.
template <class T>
class allocator_promise : public promise_value<T> {
public:
    template <class Alloc, class... A>
    [[gnu::always_inline]] static void* operator new(std::size_t n, std::allocator_arg_t, const Alloc& alloc,
                                                     const A&...) {
        return frame_alloc_from(n, alloc);
    }
    template <class Self, class Alloc, class... A>
    [[gnu::always_inline]] static void* operator new(std::size_t n, const Self&, std::allocator_arg_t,
                                                     const Alloc& alloc, const A&...) {
        return frame_alloc_from(n, alloc);
    }
    static void operator delete(void* frame, std::size_t n) noexcept { frame_free(frame, n); }
};

}  // namespace detail

template <class T>
class BIDE_DETAIL_TRIVIAL_ABI [[nodiscard("a task runs only when it is awaited, waited for or started")]] task {
public:
    using promise_type = detail::task_promise<T>;
    using value_type = T;
    using awaited_once = void;

    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            if (frame_ != nullptr) detail::drop_cold(frame_);
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~task() {
        if (frame_ != nullptr) [[unlikely]]
            detail::drop_cold(frame_);
    }

    /// Returns false if the task was consumed or moved from.
    [[nodiscard]] explicit operator bool() const noexcept { return frame_ != nullptr; }

    /// Runs the task and blocks until it has ended. Returns its result, or throws its exception, or `cancelled` if it
    /// was stopped. Works on any thread and in any context, or throws would_deadlock. See wait.hpp.
    T wait(std::source_location where = std::source_location::current()) {
        detail::blocking_wait<T> waited(release(where), where);
        return waited.run();
    }

    // Internal: for bide's own consumers.
    [[nodiscard]] detail::promise_base* release(std::source_location where = std::source_location::current()) {
        if (frame_ == nullptr) [[unlikely]]
            detail::throw_empty_task(where);
        return std::exchange(frame_, nullptr);
    }
    [[nodiscard]] detail::slot<T> native_awaiter(detail::promise_base& p) {
        return detail::slot<T>(release(p.where), p);
    }

private:
    friend class detail::promise_common<T>;
    explicit task(detail::promise_base* cold) noexcept : frame_(cold) {}
    detail::promise_base* frame_;
};

}  // namespace v0
}  // namespace bide

template <class T, class Alloc, class... A>
struct std::coroutine_traits<bide::task<T>, std::allocator_arg_t, Alloc, A...> {
    using promise_type = bide::detail::allocator_promise<T>;
};
template <class T, class Self, class Alloc, class... A>
struct std::coroutine_traits<bide::task<T>, Self, std::allocator_arg_t, Alloc, A...> {
    using promise_type = bide::detail::allocator_promise<T>;
};
