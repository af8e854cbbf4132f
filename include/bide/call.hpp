// SPDX-License-Identifier: BSL-1.0
//
// call.hpp: functions that call a function of either kind, blocking or async, from code of either kind.
//
//     co_await bide::run(f, args…)       f async: awaits it; f blocking: runs it on a thread, and awaits its end
//     bide::block(f, args…)              f async: waits for it; f blocking: calls it; both on the calling thread
//     auto g = bide::to_async(f);        a callable like run(f, …); an async f is returned as it is
//     auto h = bide::to_blocking(f);     a callable like block(f, …); a blocking f is returned as it is
//     co_await bide::resume_on(pool);    runs the rest of this coroutine on the pool
//
//     bide::task<> save(std::string text) {
//         co_await bide::run(write_file, "a.txt", text);        // write_file blocks a thread; the loop runs other tasks
//     }
//
// A call whose result is awaitable is async, every other call is blocking: each call of a function, lambda or functor
// is classified by its result. Where the type of f alone tells (functions, callables with one operator() that is no
// template), to_async and to_blocking return f itself if it is of the wanted kind.
//
// run and the callables of to_async copy or move the callable and its arguments into the task that they return. The
// task is cold: nothing runs until it is awaited, waited for or started.
//
// Thread rule: blocking functions of run run on the default set of threads (threads.hpp), all others on the calling
// thread.
// Lifetime rule: the task owns the callable and its arguments until f has ended. An executor outlives the coroutines
//   that move to it by resume_on.
// Cancellation: a stop of the awaiting task asks the blocking function to stop. A function that has not begun never
//   begins; a running one may ask stop_requested(). The task unwinds when the function has ended; if the function
//   returns a value all the same, the task gets the value.
// Destructor: a task that never ran drops the callable and its arguments.
// Errors: exceptions of f pass through unchanged. run on a thread also throws what to_thread throws.
#pragma once

#include <bide/detail/base/call_site.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/resume_on.hpp>
#include <bide/detail/threads/default_threads.hpp>
#include <bide/detail/threads/job.hpp>
#include <bide/executor.hpp>
#include <bide/task.hpp>
#include <bide/wait.hpp>

#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

/// The coroutine's frame owns the callable and its arguments while it awaits the result of f.
template <class R, class F, class... A>
task<R> run_here(F f, A... args) {
    decltype(auto) operation = detail::invoke(std::move(f), std::move(args)...);
    co_return co_await std::forward<decltype(operation)>(operation);
}

template <class F, class... A>
auto run_at(const std::source_location& where, F&& f, A&&... args) {
    using traits = job_traits<std::decay_t<F>, std::decay_t<A>...>;
    using R = typename traits::type;
    need_callable(f);
    if constexpr (awaitable<typename traits::returned>)
        return run_here<R, std::decay_t<F>, std::decay_t<A>...>(std::forward<F>(f), std::forward<A>(args)...);
    else
        return run_on_thread<R, std::decay_t<F>, std::decay_t<A>...>(default_threads(), where, std::forward<F>(f),
                                                                     std::forward<A>(args)...);
}

// The result type of a callable, where its type alone tells.
template <class R, class C, class... A>
R returned_by(R (C::*)(A...));
template <class R, class C, class... A>
R returned_by(R (C::*)(A...) const);
template <class R, class C, class... A>
R returned_by(R (C::*)(A...) &);
template <class R, class C, class... A>
R returned_by(R (C::*)(A...) const&);
template <class R, class C, class... A>
R returned_by(R (C::*)(A...) &&);
template <class R, class... A>
R returned_by(R (*)(A...));

struct untold {};
template <class F>
auto returned_by_type() {
    if constexpr (requires(F f) { std::type_identity<decltype(returned_by(f))>(); })
        return std::type_identity<decltype(returned_by(std::declval<F>()))>();
    else if constexpr (requires { std::type_identity<decltype(returned_by(&F::operator()))>(); })
        return std::type_identity<decltype(returned_by(&F::operator()))>();
    else
        return std::type_identity<untold>();
}
template <class F>
using told_result = typename decltype(returned_by_type<F>())::type;
template <class F>
concept told_async = !std::is_same_v<told_result<F>, untold> && awaitable<told_result<F>>;
template <class F>
concept told_blocking = !std::is_same_v<told_result<F>, untold> && !awaitable<told_result<F>>;

/// What to_async returns for a callable whose type does not tell that it is async.
template <class F>
class async_call {
public:
    template <class G>
    async_call(G&& f, const std::source_location& where) : f_(std::forward<G>(f)), where_(where) {}

    template <class... A>
        requires std::is_invocable_v<F, std::decay_t<A>...>
    auto operator()(A&&... args) const& {
        return run_at(where_, f_, std::forward<A>(args)...);
    }
    template <class... A>
        requires std::is_invocable_v<F, std::decay_t<A>...>
    auto operator()(A&&... args) && {
        return run_at(where_, std::move(f_), std::forward<A>(args)...);
    }

private:
    F f_;
    std::source_location where_;
};

/// What to_blocking returns for a callable whose type does not tell that it blocks.
template <class F>
class blocking_call {
public:
    template <class G>
    blocking_call(G&& f, const std::source_location& where) : f_(std::forward<G>(f)), where_(where) {}

    template <class... A>
        requires std::is_invocable_v<const F&, A...>
    decltype(auto) operator()(A&&... args) const {
        if constexpr (awaitable<std::invoke_result_t<const F&, A...>>)
            return bide::wait(detail::invoke(f_, std::forward<A>(args)...), where_);
        else
            return detail::invoke(f_, std::forward<A>(args)...);
    }
    template <class... A>
        requires std::is_invocable_v<F&, A...>
    decltype(auto) operator()(A&&... args) {
        if constexpr (awaitable<std::invoke_result_t<F&, A...>>)
            return bide::wait(detail::invoke(f_, std::forward<A>(args)...), where_);
        else
            return detail::invoke(f_, std::forward<A>(args)...);
    }

private:
    F f_;
    std::source_location where_;
};

// So that to_async of a result of to_async returns it as it is; to_blocking likewise.
template <class F>
inline constexpr bool is_async_call = false;
template <class F>
inline constexpr bool is_async_call<async_call<F>> = true;
template <class F>
inline constexpr bool is_blocking_call = false;
template <class F>
inline constexpr bool is_blocking_call<blocking_call<F>> = true;

}  // namespace detail

/// Returns a task that calls f(args…): an async f on the task's executor, a blocking f on a thread.
BIDE_DETAIL_CALL_SITE_OVERLOADS([[nodiscard]], run, detail::run_at)

/// Calls f(args…) on this thread, and waits for the result if it is awaitable.
template <class F, class... A>
    requires std::is_invocable_v<F, A...>
decltype(auto) block(F&& f, A&&... args) {
    if constexpr (awaitable<std::invoke_result_t<F, A...>>)
        return bide::wait(detail::invoke(std::forward<F>(f), std::forward<A>(args)...));
    else
        return detail::invoke(std::forward<F>(f), std::forward<A>(args)...);
}

/// Returns a callable whose calls are awaitable: f itself if its type says that it is async, else one that calls run(f,
/// …).
template <class F>
[[nodiscard]] auto to_async(F&& f, std::source_location where = std::source_location::current()) {
    using held = std::decay_t<F>;
    detail::need_callable(f);
    if constexpr (detail::told_async<held> || detail::is_async_call<held>)
        return held(std::forward<F>(f));
    else
        return detail::async_call<held>(std::forward<F>(f), where);
}

/// Returns a callable whose calls block: f itself if its type says that it blocks, else one that calls block(f, …).
template <class F>
[[nodiscard]] auto to_blocking(F&& f, std::source_location where = std::source_location::current()) {
    using held = std::decay_t<F>;
    detail::need_callable(f);
    if constexpr (detail::told_blocking<held> || detail::is_blocking_call<held>)
        return held(std::forward<F>(f));
    else
        return detail::blocking_call<held>(std::forward<F>(f), where);
}

/// Moves the awaiting coroutine to another executor: the rest of it runs there, and so do the tasks that it awaits from
/// then on. The coroutine that awaits this coroutine resumes on its own executor. It has no .wait(), because plain
/// code that waited for it would stay where it is.
inline detail::resume_on_op resume_on(executor& ex) noexcept { return detail::resume_on_op(ex); }

}  // namespace v0
}  // namespace bide
