// SPDX-License-Identifier: BSL-1.0
//
// scope: owns what was started in it. It ends when all of that has ended: with a value, with a failure, or cancelled
// and its cleanup run.
//
//     bide::with_scope([&](bide::scope& s) {                              // plain code
//         for (auto& url : urls) s.start(fetch, url);
//     });                                                                 // all have ended; the first failure is thrown
//
//     co_await bide::with_scope([&](bide::scope& s) -> bide::task<> {     // in a coroutine: the same rules
//         auto size = s.start(fetch_size, url);
//         co_await s.join();
//         …
//     });
//
// start(f, args…) copies the callable and the arguments into the started task, so a lambda may capture what outlives
// the scope. Tasks begin at the next switching point, in the order in which they were started.
//
// What the end of the body means for tasks that have not ended (exit_mode), and what a failure means for the others
// (error_mode), is in scope_options.hpp. At the end of the scope:
// - If the body threw, its exception is thrown.
// - error_mode::cancel: the first failure of a task is thrown as itself. A failure that a waiter has received is not
//   thrown again, unless it cancelled something that had not ended.
// - error_mode::keep_going: the failures that no waiter has received are thrown as one exception_group, in start order.
// - A failure that is not thrown goes to scope_options::errors, else to the unhandled-error hook.
// - Cancelled tasks alone never make the scope throw.
//
// Thread rule: any thread may call start and stop while the scope is open. ref() gives a handle that may outlive the
//   scope; starting through it throws scope_closed after the scope's end.
// Lifetime rule: the body's locals die when the body ends, before the tasks are joined: tasks may refer only to what
//   outlives with_scope. (The frames of a cancelled coroutine body are unwound after its tasks have ended.)
// Cancellation: cancelling the task that runs or awaits with_scope cancels body and tasks. The scope joins them, and
//   then that task unwinds, too.
#pragma once

#include <bide/detail/base/compiler.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/scope/scope_core.hpp>
#include <bide/future.hpp>
#include <bide/scope_options.hpp>
#include <bide/wait.hpp>

#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

class scope;

/// A handle to a scope, which may outlive the scope. A value: copies refer to the same scope.
class scope_ref {
public:
    scope_ref(const scope_ref& other) noexcept;
    scope_ref& operator=(const scope_ref& other) noexcept;
    ~scope_ref();

    /// As scope::start. Throws scope_closed after the scope's end; the callable was not called then.
    BIDE_DETAIL_SUBMIT_OVERLOADS(start, start_at)

private:
    friend class scope;
    explicit scope_ref(detail::scope_door* door) noexcept;
    [[nodiscard]] detail::scope_core& pin() const;
    template <class F, class... A>
    auto start_at(const std::source_location& where, F&& f, A&&... args);
    detail::scope_door* door_;
};

namespace detail {
template <class F, class... A>
auto start_in(scope_core& core, const std::source_location& where, F&& f, A&&... args) {
    auto* n = make_started(core.options.memory, where, std::forward<F>(f), std::forward<A>(args)...);
    future<result_of_node<std::remove_pointer_t<decltype(n)>>> result(n);
    n->leave_failure_to_owner();
    n->launch(core.where_tasks_run(), core, &core.ctx);
    return result;
}
/// s.join(): awaitable, and with .wait().
class join_op {
public:
    explicit join_op(scope_core& core) noexcept : core_(&core) {}
    [[nodiscard]] join_awaiter native_awaiter(promise_base& p) const { return join_awaiter(p, *core_); }
    void wait(std::source_location where = std::source_location::current()) const;

private:
    scope_core* core_;
};
}  // namespace detail

class scope {
public:
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

    /// Starts f(args…), which returns a task or another awaitable, or starts a task that was made before. Returns a
    /// future of its result.
    BIDE_DETAIL_SUBMIT_OVERLOADS(start, start_at)

    /// Asks the body and every task to stop. Returns immediately.
    void stop(stop_reason why = stop_reason::user) noexcept { core_.stop.request(why); }

    /// Waits until everything that was started so far has ended: co_await s.join(), or s.join().wait() in plain code.
    /// For the body: a task of the scope that joins it would wait for itself, and gets would_deadlock.
    [[nodiscard]] detail::join_op join() noexcept { return detail::join_op(core_); }

    [[nodiscard]] scope_ref ref() { return scope_ref(core_.door()); }

    // Internal.
    explicit scope(detail::scope_core& core) noexcept : core_(core) {}

private:
    template <class F, class... A>
    auto start_at(const std::source_location& where, F&& f, A&&... args) {
        return detail::start_in(core_, where, std::forward<F>(f), std::forward<A>(args)...);
    }
    detail::scope_core& core_;
};

template <class F, class... A>
auto scope_ref::start_at(const std::source_location& where, F&& f, A&&... args) {
    struct pinned {
        detail::scope_core& core;
        ~pinned() { core.unpin(); }
    } const open{pin()};
    return detail::start_in(open.core, where, std::forward<F>(f), std::forward<A>(args)...);
}

namespace detail {

/// with_scope in plain code, on the native stack of the calling thread: an idle loop that drain() drives, and the scope
/// as the chain that runs on this thread now.
class sync_scope_frame {
public:
    /// Allocates all that the scope's end needs, so that the end cannot fail once a task was started.
    explicit sync_scope_frame(scope_core& core);
    sync_scope_frame(const sync_scope_frame&) = delete;
    sync_scope_frame& operator=(const sync_scope_frame&) = delete;
    ~sync_scope_frame();
    void leave_body() noexcept;
    /// Drives the loop until every task has ended, and throws what the scope throws. Returns true if the stop of the
    /// calling task has to be passed on.
    [[nodiscard]] bool drain();

private:
    idle_loop_scope idle_;
    scope_core& core_;
    thread_state& state_;
    task_node* before_;
    task<> end_;
    nested_wait_scope nested_wait_;  // this thread's running loop is blocked until the scope has ended
    bool shielded_;                  // made in a destructor that an exception or a cancellation runs
};

template <class R, class F>
R with_scope_sync(const scope_options& options, F& body, const std::source_location& where) {
    scope_core core(options, where);
    sync_scope_frame frame(core);
    scope s(core);
    std::optional<stored_t<R>> result;
    try {
        if constexpr (std::is_void_v<R>) {
            detail::invoke(body, s);
            result.emplace();
        } else if constexpr (std::is_reference_v<R>) {
            R bound = detail::invoke(body, s);
            result.emplace(std::addressof(bound));
        } else {
            result.emplace(detail::invoke(body, s));
        }
        frame.leave_body();
    } catch (...) {
        frame.leave_body();
        core.body_failed(std::current_exception());
    }
    if (frame.drain())
        throw cancelled(core.stop.reason());  // the stop came from outside: the calling task is unwound by it
    if constexpr (!std::is_void_v<R>) {
        if (!result) throw cancelled(core.stop.reason());  // the body was stopped: there is no value
        if constexpr (std::is_reference_v<R>)
            return static_cast<R>(**result);
        else
            return std::move(*result);
    }
}

template <class R, class F>
task<R> with_scope_async(scope_options options, F body, std::source_location where) {
    scope_core core(options, where);
    context* const here = (co_await this_frame_op())->ctx;
    core.open(*here->ex, here);
    core.enlist();
    scope s(core);
    slot<R> result;
    result.state = outcome::stopped;
    std::exception_ptr refused;  // the body's function itself threw: nothing of it ran
    try {
        result.child = as_task(detail::invoke(body, s)).release();
    } catch (...) {
        refused = std::current_exception();
    }
    if (refused) {
        core.body_failed(std::move(refused));
        core.apply_exit_mode();
    } else {
        co_await body_op<R>(core, result);
    }
    co_await end_of_scope_op(core);
    core.delist();
    struct unused {  // the value, when a failure is thrown instead
        slot<R>& s;
        bool taken = false;
        ~unused() {
            if (!taken && s.state == outcome::value) s.drop();
        }
    } value{result};
    if (core.conclude()) co_await pass_stop_op();
    if constexpr (std::is_void_v<R>) {
        co_return;
    } else {
        if (result.state != outcome::value) throw cancelled(core.stop.reason());
        value.taken = true;
        co_return result.take();
    }
}

}  // namespace detail

/// Runs the body with a scope, and ends when the body and everything started in the scope have ended. The body is a
/// plain function (then this blocks, and returns what it returns) or one that returns a task (then this is awaited).
template <class F>
decltype(auto) with_scope(const scope_options& options, F&& body,
                          std::source_location where = std::source_location::current()) {
    static_assert(
        std::is_invocable_v<F&, scope&>,
        "bide: the body of with_scope is a function of (bide::scope&), called with the scope that it may start in");
    if constexpr (std::is_invocable_v<F&, scope&>) {
        using R = std::invoke_result_t<F&, scope&>;
        if constexpr (awaitable<R>) {
            static_assert(
                detail::safe_in_await<F>,
                "bide: g++ 12 destroys the captures of a lambda temporary in a co_await expression twice; capture by "
                "reference ([&]), or name the lambda first and pass the name");
            return detail::with_scope_async<await_result_t<R>, std::decay_t<F>>(options, std::forward<F>(body), where);
        } else {
            return detail::with_scope_sync<R>(options, body, where);
        }
    }
}

template <class F>
decltype(auto) with_scope(F&& body, std::source_location where = std::source_location::current()) {
    return with_scope(scope_options{}, std::forward<F>(body), where);
}

}  // namespace v0
}  // namespace bide
