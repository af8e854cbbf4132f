// SPDX-License-Identifier: BSL-1.0
//
// threads: the elastic set of OS threads for code that blocks: files, databases, legacy calls, long computations.
//
//     bide::future<Rows> rows = bide::to_thread(query, connection, "select …");    // begins at once
//     use((co_await rows).front());                     // the loop runs other tasks meanwhile; in plain code: rows.wait()
//
//     auto query_later = bide::make_async(query);       // the same in two steps
//     bide::future<Rows> more = query_later(connection, "select …");
//
// The job owns copies of the callable and its arguments (moved in where they are rvalues), and passes the arguments as
// rvalues. If the callable returns a task, the thread waits for that task. A task that awaits the future resumes on its
// own executor, and does not join the job when it is stopped; run() and to_async() of call.hpp do.
//
// How many jobs run: queued jobs begin in the order in which they were submitted, and none begins while max_threads()
// jobs run. Below that bound the set adds a thread when fewer jobs than processors are runnable, when a job blocks, or
// when no job has begun for 20 ms. So computing jobs do not multiply threads, and blocking jobs do not hold up the
// queue. An idle thread is used again, and leaves after a while. A job that waits inside bide (wait(), with_scope) does
// not count while it waits, and goes on at once when it is woken. A job that waits for an unbegun job of its set runs
// that job itself. So jobs that submit jobs and wait for them end with any maximum.
//
// Thread rule: every function may be called from any thread, also from jobs.
// Lifetime rule: a job, with its callable and arguments, lives until it has ended, also if every future of it was
//   dropped. The result lives as long as the future.
// Cancellation: a job inherits stop, deadline and task-locals from the code that submits it; future::stop() asks it to
//   stop, too. A job that has not begun then ends cancelled without running; a running job may ask stop_requested(). A
//   stop of a task that awaits the future ends that task at once, and the job goes on.
// Destructor, shutdown(): the set refuses new work from outside, lets every job run to its end, and joins every thread.
//   The default set and bide's background loop are never destroyed: leaving main without shutdown() waits for nothing
//   (with BIDE_DEV=1 the live jobs are named). After shutdown() the default set begins anew with the next job.
// Errors: an exception of the callable arrives in the future. Submitting throws not_running after shutdown,
//   std::system_error if the first thread cannot be made, usage_error in the child of a fork(), std::invalid_argument
//   for a null callable. If all `cap` threads wait inside bide for `stuck`, the queued jobs that they have submitted
//   fail with limit_reached.
#pragma once

#include <bide/detail/base/call_site.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/threads/default_threads.hpp>
#include <bide/detail/threads/job.hpp>
#include <bide/future.hpp>

#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

struct threads_options {
    int max = 64;                           // jobs that run at the same time
    int cap = 4096;                         // OS threads in all, those whose jobs wait inside bide included
    std::chrono::milliseconds idle{8000};   // a thread that has been idle for so long leaves
    std::chrono::milliseconds stuck{1000};  // if all `cap` threads wait for so long, the jobs that they submitted fail
};

/// What a set does at this moment.
struct threads_counts {
    int threads;  // threads that exist, or are being made
    int running;  // jobs that have begun and do not wait inside bide
    int waiting;  // jobs that wait inside bide
    int queued;   // jobs that have not begun
};

class threads {
public:
    threads();
    /// Throws std::invalid_argument if a number in the options is less than 1.
    explicit threads(const threads_options& options);
    threads(const threads&) = delete;
    threads& operator=(const threads&) = delete;
    ~threads();

    /// Submits f(args…), or an awaitable, and returns the future of its result. The job may begin at once.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Raising the maximum begins queued jobs, lowering it interrupts no job. Throws std::invalid_argument if n < 1.
    void set_max(int n);
    [[nodiscard]] int max() const;

    /// Blocks until every job has ended, joins the threads, and refuses work from then on. Throws would_deadlock in a
    /// job of this set.
    void shutdown();

    [[nodiscard]] threads_counts counts() const;

    // Internal.
    [[nodiscard]] detail::job_threads& set() const noexcept { return *set_; }

private:
    template <class F, class... A>
    auto submit_at(const std::source_location& where, F&& f, A&&... args) {
        return detail::submit_job(*set_, where, std::forward<F>(f), std::forward<A>(args)...);
    }
    detail::job_threads* set_;
};

namespace detail {
template <class F, class... A>
auto to_thread_at(const std::source_location& where, F&& f, A&&... args) {
    return submit_job(default_threads(), where, std::forward<F>(f), std::forward<A>(args)...);
}

/// What make_async returns.
template <class F>
class thread_call {
public:
    template <class G>
    explicit thread_call(G&& f, const std::source_location& where) : f_(std::forward<G>(f)), where_(where) {}

    template <class... A>
        requires std::is_invocable_v<F, std::decay_t<A>...>
    auto operator()(A&&... args) const& {
        return to_thread_at(where_, f_, std::forward<A>(args)...);
    }
    template <class... A>
        requires std::is_invocable_v<F, std::decay_t<A>...>
    auto operator()(A&&... args) && {
        return to_thread_at(where_, std::move(f_), std::forward<A>(args)...);
    }

private:
    F f_;
    std::source_location where_;
};
}  // namespace detail

/// Submits f(args…), or an awaitable, to the default set, and returns the future of its result.
BIDE_DETAIL_SUBMIT_OVERLOADS(to_thread, detail::to_thread_at)

/// Returns a callable. Each call of it submits a copy of f to the default set, and returns the future of the result.
template <class F>
[[nodiscard]] auto make_async(F&& f, std::source_location where = std::source_location::current()) {
    detail::need_callable(f);
    return detail::thread_call<std::decay_t<F>>(std::forward<F>(f), where);
}

/// threads::set_max of the default set.
void set_max_threads(int n);
[[nodiscard]] int max_threads();

/// Shuts down and joins the default set of threads and the background loop. Throws would_deadlock in a job or task on
/// them. Both begin anew with the next use.
void shutdown();

}  // namespace v0
}  // namespace bide
