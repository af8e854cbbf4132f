// SPDX-License-Identifier: BSL-1.0
//
// pool: an executor that runs tasks on several threads, for computing.
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
// How it works: a worker runs its own queue, first in, first out, then what other threads posted, then what it takes
// from other workers. The children of when_all stay with the worker that forks them: this worker runs the first child
// at once, and each next one when the one before has ended. When another worker has nothing to do, the forking worker
// hands its oldest fork over. So a fork costs little more than two awaits. Workers that find nothing sleep, and use no
// processor time.
//
// A worker that waits inside bide (wait(), with_scope in plain code) hands over everything that it has queued or
// forked, and another thread takes its place meanwhile. bide does not see code that blocks outside of bide: give it to
// to_thread.
//
// stop() refuses new work, asks everything that was submitted to stop, and returns at once. shutdown() calls stop(), and
//   blocks until all work has ended and the threads are joined. Both may be called more than once. The pair is the same
//   in loop_thread.
// Thread rule: every function may be called from any thread, also by tasks of the pool; only shutdown() and the
//   destructor may not be called on a thread of the pool. Two tasks of a pool may run at the same time. One task runs
//   on one thread at a time; after each co_await it may run on another one.
// Lifetime rule: a pool outlives its tasks. bide's background loop carries the timers and the I/O of these tasks.
// Cancellation: stop() asks everything that was submitted to stop; future::stop() asks one task.
// Destructor: calls shutdown(). On a thread of the pool, which cannot wait for its own end, it ends the program with a
//   message. In the child of a fork() it does nothing.
// Errors: submit throws not_running after stop(). The constructor and resize() throw std::system_error when a thread
//   cannot be made, and std::invalid_argument for a number of workers that is not between 1 and pool::max_workers (the
//   options' default, 0, is as many as there are processors). shutdown() throws would_deadlock on a thread of the pool,
//   and has no effect then. In the child of a fork() every use throws usage_error.
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

/// The coroutine holds the callable and its arguments until the awaitable that the call gives has ended.
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
    int workers = 0;                      // 0: as many as there are processors
    bool pin = false;                     // each worker is bound to one processor
    std::string_view name = "bide pool";  // the name of the threads, for debuggers and top (15 characters)
};

/// What a pool does at this moment.
struct pool_counts {
    int workers;  // so many may compute at the same time
    int threads;  // so many exist, blocked and spare ones included
    int blocked;  // so many threads wait inside bide
    int idle;     // so many workers sleep
};

class pool final : public executor {
public:
    static constexpr int max_workers = 256;

    pool() : pool(pool_options()) {}
    explicit pool(int workers);
    explicit pool(const pool_options& options);
    ~pool() override;

    /// Hands f(args…), or an awaitable, to the pool, and returns the future of its result.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// A cold task: awaited, it runs f(args…) on the pool; the awaiting task is resumed on its own executor. A stop
    /// request of the awaiting task reaches f, which is joined. f returns a task, or is a plain function that computes.
    template <class F, class... A>
    [[nodiscard]] auto run(F&& f, A&&... args) {
        return detail::run_in<std::decay_t<F>, std::decay_t<A>...>(*this, std::forward<F>(f), std::forward<A>(args)...);
    }

    /// Asks everything that was submitted to stop, and refuses new work. Returns at once.
    void stop(stop_reason why = stop_reason::shutdown);
    /// Calls stop(), and blocks until all work has ended and the threads are joined. Throws would_deadlock on a thread
    /// of the pool.
    void shutdown();

    /// Changes the number of workers. More begin at once; a surplus worker ends after its present task.
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
