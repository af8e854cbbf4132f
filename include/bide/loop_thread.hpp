// SPDX-License-Identifier: BSL-1.0
//
// loop_thread: a loop with a thread of its own, for programs that are mostly plain code and want something to go on in
// the background: connections, queues, clocks.
//
//     bide::loop_thread worker;
//     auto heartbeat = worker.on_start([&]() -> bide::task<> {    // a task of the thread's whole life
//         for (;;) { send_heartbeat(); co_await bide::sleep_for(1s); }
//     });
//     worker.start();
//     bide::future<int> n = worker.submit(fetch_size, url);       // from any thread
//     std::printf("%d\n", n.wait());
//     worker.stop();                                              // everything has ended: also the heartbeat
//
// Constructing starts no thread. start() returns when the loop accepts work. Before start and after stop everything
//   throws not_running; a second start throws usage_error. One that was never started is harmless; stop() before start
//   keeps it from being started.
// stop(): new work is refused, every task is asked to stop and its cleanup runs to its end (or limit), every future is
//   completed, jobs on threads are joined. Idempotent and from any thread; it blocks until all that has happened,
//   except on the loop's own thread, where it only requests it.
// Thread rule: every member may be called from any thread.
// Lifetime rule: it outlives the executors that run on it (strands) and whatever refers to its executor.
// Destructor: stops and joins. On the loop's own thread, which cannot join itself, it ends the program with a message.
// Errors: a failure of an on_start function goes to the unhandled-error hook; the others are in the futures. In the
//   child of a fork() every use is a usage_error that says so, and the destructor does nothing.
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

/// Plain code as a task: for call().
template <class F>
task<std::invoke_result_t<F>> called(F f) {
    co_return detail::invoke(std::move(f));
}

/// A function of the thread's life, until it is started.
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
    /// The name that debuggers and top show for the thread (15 characters of it).
    explicit loop_thread(std::string name = "bide loop");
    loop_thread(const loop_thread&) = delete;
    loop_thread& operator=(const loop_thread&) = delete;
    ~loop_thread();

    void start();
    void stop();
    /// The first half of stop(), without waiting: new work is refused, and every task is asked to stop.
    void request_stop();
    /// Between start() and stop().
    [[nodiscard]] bool running() const noexcept;

    /// Hands f(args…), or an awaitable, to the loop. The future's stop() cancels it; dropping it detaches.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Hands f(args…), code that blocks, to a thread of bide's default set, whose bound (set_max_threads) counts it as
    /// every other job: stop() joins it. stop() in such a job would wait for itself and throws would_deadlock.
    BIDE_DETAIL_SUBMIT_OVERLOADS(to_thread, to_thread_at)

    /// Runs f, plain code, on the loop's thread; the loop stands still meanwhile.
    template <class F>
    auto call(F&& f, std::source_location where = std::source_location::current()) {
        using R = std::invoke_result_t<std::decay_t<F>>;
        static_assert(!awaitable<R>,
                      "bide: call(f) is for plain functions; hand one that returns a task to submit(f, args…)");
        return submit_at(where, &detail::called<std::decay_t<F>>, std::forward<F>(f));
    }

    /// f() is a task of the thread's life: started with it (or now, when it runs), stopped with it. Gives f back, so
    /// that it can stand around a definition: `auto tick = worker.on_start([&]() -> bide::task<> {…});`
    template <class F>
        requires std::copy_constructible<std::decay_t<F>> && std::invocable<std::decay_t<F>&>
    F on_start(F&& f, std::source_location where = std::source_location::current()) {
        add(detail::make_owned<function_of<std::decay_t<F>>>(where, f));
        return std::forward<F>(f);
    }

    /// Where its tasks run: for scopes, strands and resume_on.
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
