// SPDX-License-Identifier: BSL-1.0
//
// The guards behind with_stop, shield, stopped_as_optional and finally.
#pragma once

#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/guard/catch.hpp>
#include <bide/detail/guard/deadline.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/error.hpp>
#include <bide/stop.hpp>

#include <optional>
#include <source_location>
#include <variant>

namespace bide {
inline namespace v0 {
namespace detail {

/// A token may stop the operation too.
class stop_guard : public guard {
public:
    using parameters = stop_token;

protected:
    explicit stop_guard(stop_token token) noexcept : token_(std::move(token)), registration_(*this) {}
    ~stop_guard() = default;
    void enter(context& outer) noexcept override;
    [[nodiscard]] bool leave(bool in_line) noexcept override;
    [[noreturn]] void throw_stopped() const;

private:
    struct registration final : stop_registration {
        stop_guard& owner;
        explicit registration(stop_guard& g) noexcept : stop_registration(&asked), owner(g) {}
        static void asked(stop_callback_link* self) noexcept;
        using stop_registration::enter;
        using stop_registration::leave;
    };
    stop_token token_;
    registration registration_;
};

/// No stop reaches the operation.
class shield_guard : public guard {
public:
    struct parameters {
        parameters() noexcept = default;
    };

protected:
    explicit shield_guard(parameters) noexcept {}
    ~shield_guard() = default;
    void enter(context& outer) noexcept override;
    [[noreturn]] void throw_stopped() const;
};

/// A shielded cleanup with a limit; its outcome stays in the slot. Gives false when it was stopped at the limit.
class cleanup_awaiter final : public deadline_guard {
public:
    cleanup_awaiter(promise_base& awaiting, slot<void>& result, time_limit limit) noexcept
        : deadline_guard(limit, true), result_(result) {
        waiting_frame = &awaiting;
    }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept { return run(*waiting_frame, result_); }
    [[nodiscard]] bool await_resume() const noexcept { return result_.state != outcome::stopped; }

private:
    [[nodiscard]] bool passes_on() noexcept override;
    slot<void>& result_;
};
struct cleanup_op {
    slot<void>* result;
    time_limit limit;
    cleanup_op(slot<void>& r, time_limit l) noexcept : result(&r), limit(l) {}
    [[nodiscard]] cleanup_awaiter native_awaiter(promise_base& p) const noexcept {
        return cleanup_awaiter(p, *result, limit);
    }
};

template <class T>
using in_optional_t = std::conditional_t<
    std::is_void_v<T>, std::monostate,
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>, T>>;

template <class T>
class optional_awaiter {
public:
    optional_awaiter(promise_base& p, promise_base* cold) noexcept : slot_(cold), catch_(p, slot_) {}
    optional_awaiter(const optional_awaiter&) = delete;
    optional_awaiter& operator=(const optional_awaiter&) = delete;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return catch_.await_suspend(h); }
    [[nodiscard]] std::optional<in_optional_t<T>> await_resume() {
        if (slot_.state == outcome::stopped) return std::nullopt;
        if (slot_.state == outcome::failed && is_cancelled(slot_.error)) {
            slot_.drop();
            return std::nullopt;
        }
        if constexpr (std::is_void_v<T>) {
            slot_.take();
            return std::monostate();
        } else {
            return std::optional<in_optional_t<T>>(slot_.take());
        }
    }

private:
    slot<T> slot_;
    catch_awaiter<T> catch_;
};

template <class T>
class [[nodiscard("an operation runs only when it is awaited or waited for")]] optional_op {
public:
    using awaited_once = void;
    explicit optional_op(task<T> op) noexcept : op_(std::move(op)) {}
    std::optional<in_optional_t<T>> wait(std::source_location where = std::source_location::current()) {
        return as_task(std::move(*this)).wait(where);
    }
    // Internal.
    [[nodiscard]] optional_awaiter<T> native_awaiter(promise_base& p) {
        return optional_awaiter<T>(p, op_.release(p.where));
    }

private:
    task<T> op_;
};

// ---- finally --------------------------------------------------------------------------------------------------------

template <class T>
task<> without_value(task<T> t) {
    static_cast<void>(co_await std::move(t));
}
inline task<> without_value(task<> t) { return t; }

/// The cleanup as it is kept: a cold task, or a function that gives one when the body has ended.
template <class C>
auto keep_cleanup(C&& cleanup) {
    if constexpr (awaitable<C>)
        return without_value(to_task(std::forward<C>(cleanup)));
    else
        return std::decay_t<C>(std::forward<C>(cleanup));
}
inline task<> begin_cleanup(task<>& kept) { return std::move(kept); }
template <class F>
task<> begin_cleanup(F& f) {
    return without_value(to_task(detail::invoke(f)));
}

void report_unfinished_cleanup(const std::source_location& where) noexcept;
void report_second_failure(std::exception_ptr of_cleanup) noexcept;

template <class T, class C>
task<T> finally_task(task<T> body, C cleanup, time_limit limit, std::source_location where) {
    kept_slot<T> result(body.release(where));
    const catch_op<T> run_body(result);
    co_await run_body;
    result.filled = true;

    slot<void> swept;
    std::exception_ptr failure;  // of the cleanup
    try {
        swept.child = begin_cleanup(cleanup).release(where);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) {
        const cleanup_op run_cleanup(swept, limit);
        if (!co_await run_cleanup) report_unfinished_cleanup(where);
        if (swept.state == outcome::failed) failure = swept.take_error();
    }

    if (result.state == outcome::failed) {
        if (failure) report_second_failure(std::move(failure));
        std::rethrow_exception(result.take_failure());
    }
    if (failure) std::rethrow_exception(std::move(failure));
    const pass_stop_op go_on;
    if (result.state == outcome::stopped) co_await go_on;
    co_return result.take_out();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
