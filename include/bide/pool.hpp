// SPDX-License-Identifier: BSL-1.0
//
// pool: runs tasks on several threads, for computing.
//
//     bide::pool cores;                                           // one worker per processor
//     bide::future<image> f = cores.submit(render, scene);        // from anywhere; f.wait(), or co_await f
//     image i = cores.run(render, scene).wait();                  // cold: nothing runs until it is awaited
//     co_await bide::resume_on(cores);                            // the rest of this coroutine runs there
//     bide::with_scope({.on = &cores}, [&](bide::scope& s) { for (auto& p : parts) s.start(crunch, p); });
//
//     bide::task<long> fib(int n) {                      // when_all forks: the children may run on other cores
//         if (n < 2) co_return n;
//         auto [a, b] = co_await bide::when_all(fib(n - 1), fib(n - 2));
//         co_return a + b;
//     }
//     long n = cores.run(fib, 40).wait();
//
// Parallel loops over ranges: for_each.hpp.
//
// How it works: a worker runs what it has queued, first in, first out, then what came from outside, then what it finds
// with the others. The children of when_all stay with the worker that forks them, which runs the first one at once and
// takes the next when that has ended; they are handed over, oldest first, when another worker has nothing to do. So a
// fork costs little more than two awaits. Workers that find nothing sleep, and use no processor time.
//
// A worker that waits inside bide (wait(), with_scope in plain code) lets others have all that it has queued or forked,
// and another thread takes its place meanwhile; so computing never waits for a blocked worker. Code that blocks outside
// bide is not seen: hand it to to_thread.
//
// Thread rule: every function may be called from any thread, also from tasks of the pool, but for shutdown() and the
//   destructor. Two tasks of a pool run at the same time; a task is on one thread at a time, and may go on on another
//   after each co_await.
// Lifetime rule: a pool outlives its tasks. Timers and I/O of its tasks are carried by bide's background loop.
// Cancellation: as everywhere; future::stop() asks what was submitted.
// Destructor: as shutdown(): asks what was submitted to stop, runs all to its end, joins the threads. On a thread of
//   its own it ends the program with a message. In the child of a fork() it does nothing.
// Errors: submit throws not_running after stop(); the constructor and resize() throw std::system_error when a thread
//   cannot be made, std::invalid_argument for a number of workers below 0 or above pool::max_workers; in the child of a
//   fork() every use is a usage_error.
#pragma once

#include <bide/detail/base/call_site.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/kernel/resume_on.hpp>
#include <bide/executor.hpp>
#include <bide/future.hpp>
#include <bide/task.hpp>

#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {
class pool_core;

template <class F, class... A>
struct run_traits {
    using returned = std::invoke_result_t<F, A...>;
    static constexpr bool waits = awaitable<returned>;
    using type = typename std::conditional_t<waits, await_result<returned>, std::type_identity<returned>>::type;
};

/// The coroutine holds the callable and its arguments until what it gives has ended.
template <class F, class... A>
task<typename run_traits<F, A...>::type> run_in(executor& ex, F f, A... args) {
    co_await resume_on_op(ex);
    if constexpr (run_traits<F, A...>::waits) {
        decltype(auto) operation = detail::invoke(std::move(f), std::move(args)...);
        co_return co_await std::forward<decltype(operation)>(operation);
    } else {
        co_return detail::invoke(std::move(f), std::move(args)...);
    }
}
}  // namespace detail

struct pool_options {
    int workers = 0;                      // 0: as many as processors may be used
    bool pin = false;                     // each worker stays on a processor of its own
    std::string_view name = "bide pool";  // of its threads, for debuggers and top (15 characters)
};

/// What a pool does at this moment.
struct pool_counts {
    int workers;  // that may compute at the same time
    int threads;  // that exist, those included that wait or stand in for others
    int blocked;  // that wait inside bide
    int idle;     // workers that sleep
};

class pool final : public executor {
public:
    static constexpr int max_workers = 256;

    pool() : pool(pool_options()) {}
    explicit pool(int workers);
    explicit pool(const pool_options& options);
    ~pool() override;

    /// Hands f(args…), or an awaitable, to the pool; the future of its result.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Cold: when it is awaited, f(args…) runs here, and the awaiting task goes on where it was. A stop of the awaiting
    /// task reaches f, which is joined. f returns a task, or is a plain function that computes.
    template <class F, class... A>
    [[nodiscard]] auto run(F&& f, A&&... args) {
        return detail::run_in<std::decay_t<F>, std::decay_t<A>...>(*this, std::forward<F>(f), std::forward<A>(args)...);
    }

    /// Asks what was submitted to stop, and refuses new work.
    void stop();
    /// stop(), and waits until all has ended and the threads are joined. Throws would_deadlock on a thread of its own.
    void shutdown();

    /// Another number of workers, at once upwards; downwards as soon as they have done what they are at.
    void resize(int workers);
    [[nodiscard]] pool_counts counts() const;

    void post(ready_node& node) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return "pool"; }

private:
    template <class F, class... A>
    auto submit_at(const std::source_location& where, F&& f, A&&... args) {
        return detail::submit_started(*this, &need_running(), where, std::forward<F>(f), std::forward<A>(args)...);
    }
    [[nodiscard]] detail::submitted_work& need_running();
    detail::owned_ptr<detail::pool_core> core_;
};

}  // namespace v0
}  // namespace bide
