// SPDX-License-Identifier: BSL-1.0
//
// loop_thread: a loop with a thread of its own, for programs that are mostly plain code and run some tasks in the
// background: connections, queues, clocks.
//
//     bide::loop_thread worker;
//     auto heartbeat = worker.on_start([&]() -> bide::task<> {    // a task that runs as long as the thread
//         for (;;) { send_heartbeat(); co_await bide::sleep_for(1s); }
//     });
//     worker.start();
//     bide::future<int> n = worker.submit(fetch_size, url);       // from any thread
//     std::printf("%d\n", n.wait());
//     worker.shutdown();                                          // every task has ended, the heartbeat too
//
// The constructor starts no thread. start() starts it, and returns when the loop accepts work. Before start() and after
//   stop(), submitting throws not_running. A second start() throws usage_error. A loop_thread that was never started
//   needs no shutdown(); stop() or shutdown() before start() keeps it from being started.
// stop() refuses new work, asks every task to stop, and returns at once. shutdown() calls stop(), and blocks until every
//   task's cleanup has run to its end, every future is completed, and the jobs of to_thread and the thread are joined.
//   Both may be called more than once. The pair is the same in pool.
// Thread rule: every member may be called from any thread; only shutdown() and the destructor may not be called on the
//   loop's own thread, nor in a job of its to_thread.
// Lifetime rule: a loop_thread outlives the executors that run on it (strands) and all that refers to its executor.
// Cancellation: stop() asks everything that was submitted to stop; future::stop() asks one task.
// Destructor: calls shutdown(). On the loop's own thread, or in a job of its to_thread, which cannot wait for their own
//   end, it ends the program with a message.
// Errors: a failure of an on_start function goes to the unhandled-error hook; every other failure is in a future.
//   shutdown() throws would_deadlock on the loop's own thread and in a job of its to_thread, and has no effect then. In
//   the child of a fork() every use is a usage_error that says so, and the destructor does nothing.
#pragma once

#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/detail/threads/default_threads.hpp>
#include <bide/error.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/threads.hpp>

#include <concepts>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

/// Makes a task of a plain function: for call().
template <class F>
task<std::invoke_result_t<F>> called(F f) {
    co_return detail::invoke(std::move(f));
}

/// A function that was given to on_start, until the loop starts it.
struct start_function {
    start_function() = default;
    start_function(const start_function&) = delete;
    start_function& operator=(const start_function&) = delete;
    virtual ~start_function() = default;
    virtual void start(loop& l) = 0;
};

}  // namespace detail

class loop_thread {
public:
    /// `name` is the name of the thread for debuggers and top, which show 15 characters of it.
    explicit loop_thread(std::string name = "bide loop");
    loop_thread(const loop_thread&) = delete;
    loop_thread& operator=(const loop_thread&) = delete;
    ~loop_thread();

    void start();
    /// Asks everything that was submitted to stop, and refuses new work. Returns at once.
    void stop(stop_reason why = stop_reason::shutdown);
    /// Calls stop(), and blocks until all work has ended and the thread is joined. Throws would_deadlock on the loop's
    /// own thread, and in a job of its to_thread.
    void shutdown();
    /// Returns true between start() and the first stop() or shutdown().
    [[nodiscard]] bool running() const noexcept;

    /// Submits f(args…), or an awaitable, to the loop, and returns the future of its result. The future's stop() asks
    /// the task to stop; if the last future is dropped, the task goes on.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Submits f(args…), which blocks, to bide's default set of threads; it counts against set_max_threads as every
    /// other job does. shutdown() joins the job. shutdown() in such a job would wait for itself, and throws
    /// would_deadlock.
    BIDE_DETAIL_SUBMIT_OVERLOADS(to_thread, to_thread_at)

    /// Runs the plain function f on the loop's thread, and returns the future of its result. No task of the loop runs
    /// meanwhile.
    template <class F>
    auto call(F&& f, std::source_location where = std::source_location::current()) {
        using R = std::invoke_result_t<std::decay_t<F>>;
        static_assert(!awaitable<R>,
                      "bide: call(f) is for plain functions; hand one that returns a task to submit(f, args…)");
        return submit_at(where, &detail::called<std::decay_t<F>>, std::forward<F>(f));
    }

    /// Starts a copy of f when the loop starts, or at once if it runs; stop() stops the task. Returns f, so the call
    /// can wrap a definition: `auto tick = worker.on_start([&]() -> bide::task<> {…});`
    template <class F>
        requires std::copy_constructible<std::decay_t<F>> && std::invocable<std::decay_t<F>&>
    F on_start(F&& f, std::source_location where = std::source_location::current()) {
        add(detail::make_owned<function_of<std::decay_t<F>>>(where, f));
        return std::forward<F>(f);
    }

    /// Returns the executor on which the loop's tasks run: for scopes, strands and resume_on.
    [[nodiscard]] executor& get_executor();

private:
    struct core;

    template <class F>
    struct function_of final : detail::start_function {
        std::source_location where;
        F f;
        function_of(const std::source_location& at, const F& g) : where(at), f(g) {}
        void start(loop& l) override {
            static_cast<void>(detail::submit_started(l, &detail::loop_access::work_of(l), where, std::move(f)));
        }
    };
    template <class F, class... A>
    auto submit_at(const std::source_location& where, F&& f, A&&... args) {
        loop& l = need_running();
        return detail::submit_started(l, &detail::loop_access::work_of(l), where, std::forward<F>(f),
                                      std::forward<A>(args)...);
    }
    template <class F, class... A>
    auto to_thread_at(const std::source_location& where, F&& f, A&&... args) {
        return detail::submit_job_of(&need_service(), detail::default_threads(), where, std::forward<F>(f),
                                     std::forward<A>(args)...);
    }
    [[nodiscard]] loop& need_running() const;
    [[nodiscard]] detail::loop_service& need_service() const;
    void add(detail::owned_ptr<detail::start_function> f);

    detail::owned_ptr<core> core_;
};

}  // namespace v0
}  // namespace bide
