// SPDX-License-Identifier: BSL-1.0
//
// slot<T>: where a child's result arrives, and the awaiter of a task. It lies in the parent's frame or in a node. Its
// destructor destroys nothing: await_resume takes the value or the exception out (K8).
#pragma once

#include <bide/detail/base/cancelled.hpp>
#include <bide/detail/kernel/kernel.hpp>

#include <coroutine>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

struct unit {};

/// Leaving by `cancelled` a chain that was asked to stop is no failure: it counts as stopped (2.4).
[[nodiscard]] inline bool left_by_stop(const std::exception_ptr& error, const stop_state& asked) noexcept {
    return asked.requested() && is_cancelled(error);
}

/// How a result of type T is stored: void as nothing, a reference as a pointer.
template <class T>
using stored_t =
    std::conditional_t<std::is_void_v<T>, unit, std::conditional_t<std::is_reference_v<T>, std::add_pointer_t<T>, T>>;

template <class T>
struct slot : slot_base {
    using stored = stored_t<T>;
    static_assert(std::is_void_v<T> || std::is_reference_v<T> || std::is_nothrow_destructible_v<T>,
                  "bide: a result must not throw from its destructor");
    union {
        promise_base* waiting;  // until the start: the frame that awaits
        stored val;
        std::exception_ptr error;
    };

    explicit slot(promise_base* cold = nullptr) noexcept : slot_base(cold) {}
    slot(promise_base* cold, promise_base& awaiting) noexcept : slot_base(cold), waiting(&awaiting) {}
    slot(const slot&) = delete;
    slot& operator=(const slot&) = delete;
    ~slot() {}  // NOLINT(modernize-use-equals-default): take() or drop() has destroyed the union's member

    // As an awaiter: the awaited task runs nested, inside await_suspend.
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) noexcept {
        promise_base* parent_frame = waiting;
        return start_nested(prepare(parent_frame, parent_frame->ctx, attached));
    }
    T await_resume() { return take(); }

    template <class... A>
    void emplace(A&&... args) {
        ::new (static_cast<void*>(&val)) stored(std::forward<A>(args)...);
    }
    void fail(std::exception_ptr e) noexcept {
        ::new (static_cast<void*>(&error)) std::exception_ptr(std::move(e));
        state = outcome::failed;
    }

    /// Moves the result out, or throws the failure. The slot is empty afterwards.
    T take() {
        if (state != outcome::value) [[unlikely]]
            rethrow();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*val);
        } else if constexpr (!std::is_void_v<T>) {
            struct guard {
                stored& v;
                ~guard() { v.~stored(); }
            } destroy{val};
            return std::move(val);
        }
    }
    [[nodiscard]] std::exception_ptr take_error() noexcept {
        std::exception_ptr e = std::move(error);
        error.~exception_ptr();
        return e;
    }
    /// Called when the code behind the slot has ended; `asked` is its stop state. A failure that is the stop becomes
    /// "stopped".
    void settle(const stop_state& asked) noexcept {
        if (state != outcome::failed || !left_by_stop(error, asked)) return;
        drop();
        state = outcome::stopped;
    }
    /// The same for one of several that are awaited together: if it ended as stopped although it was not asked to stop,
    /// that is a failure, for the awaiting frame is to go on.
    void settle_as_branch(const stop_state& asked) noexcept {
        if (state == outcome::stopped && !asked.requested())
            fail(make_cancelled(stop_reason::user));
        else
            settle(asked);
    }
    /// Destroys a result that no await_resume will take.
    void drop() noexcept {
        if (state == outcome::failed)
            error.~exception_ptr();
        else if (state == outcome::value)
            val.~stored();
    }

private:
    [[noreturn, gnu::noinline, gnu::cold]] void rethrow() {
        BIDE_ASSERT(K8, state == outcome::failed);
        std::rethrow_exception(take_error());
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
