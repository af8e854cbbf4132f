// SPDX-License-Identifier: BSL-1.0
//
// threads: the elastic set of OS threads for code that blocks: files, databases, legacy calls, long computations.
//
//     bide::future<Rows> rows = bide::to_thread(query, connection, "select …");    // begins at once
//     use((co_await rows).front());                     // the loop goes on meanwhile; or rows.wait() in plain code
//
//     auto query_later = bide::make_async(query);       // the same in two steps
//     bide::future<Rows> more = query_later(connection, "select …");
//
// Arguments are copied or moved in, and passed as rvalues. An async callable (one that returns a task) is driven on the
// thread. What is awaited resumes on the awaiter's executor. To have the work joined by the task that asks for it, use
// run() or to_async() of call.hpp.
//
// How many run: never does a queued job begin while max_threads() run; first in, first out. Below that a thread is
// added when fewer jobs than processors are runnable, when one blocks, or when none has begun for 20 ms: so computing
// does not multiply threads, and blocking does not hold up the queue. Threads are reused and leave after idling. A job
// that waits inside bide (wait(), with_scope) does not count meanwhile and goes on at once when it is woken; one that
// waits for a job that has not begun runs it itself. So work that waits for more work ends with any maximum.
//
// Thread rule: every function may be called from any thread, also from jobs.
// Lifetime rule: a job, with its callable and arguments, lives until it has ended, whoever still holds its future. The
//   result lives as long as the future.
// Cancellation: a job inherits stop, deadline and task-locals from the code that submits it; future::stop() asks it
// too.
//   One that has not begun is then cancelled without running; a running one may ask stop_requested(). Cancelling a task
//   that awaits the future ends that task at once, the job goes on.
// Destructor, shutdown(): no new work from outside, every job runs to its end, every thread is joined. The default set
//   and bide's background loop are never destroyed: leaving main without shutdown() waits for nothing (with BIDE_DEV=1
//   the jobs that are alive are named). After shutdown() the default set begins anew with the next job.
// Errors: what the callable throws arrives in the future. Submitting throws not_running after shutdown,
//   std::system_error when the first thread cannot be made, usage_error in the child of a fork(), std::invalid_argument
//   for a null callable. Jobs that no thread is left for, because all that there may be wait inside bide, fail with
//   limit_reached.
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
    int cap = 4096;                         // OS threads in all, those included that wait inside bide
    std::chrono::milliseconds idle{8000};   // after which a thread leaves
    std::chrono::milliseconds stuck{1000};  // all `cap` threads wait for so long: what they submitted fails
};

/// What a set does at this moment.
struct threads_counts {
    int threads;  // that exist
    int running;  // jobs that have begun and do not wait inside bide
    int waiting;  // jobs that wait inside bide
    int queued;   // jobs that have not begun
};

class threads {
public:
    threads();
    /// Throws std::invalid_argument when a number in the options is less than 1.
    explicit threads(const threads_options& options);
    threads(const threads&) = delete;
    threads& operator=(const threads&) = delete;
    ~threads();

    /// Hands f(args…), or an awaitable, to a thread; the future of its result.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Raising it begins queued jobs, lowering it interrupts none. Throws std::invalid_argument when n < 1.
    void set_max(int n);
    [[nodiscard]] int max() const;

    /// For good: see above. Throws would_deadlock in a job of this set.
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

/// What make_async gives.
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

/// Runs f(args…) on a thread of the default set; it begins at once. The future of its result.
BIDE_DETAIL_SUBMIT_OVERLOADS(to_thread, detail::to_thread_at)

/// A callable that runs f on a thread of the default set, each time with a copy of f, and gives the future.
template <class F>
[[nodiscard]] auto make_async(F&& f, std::source_location where = std::source_location::current()) {
    detail::need_callable(f);
    return detail::thread_call<std::decay_t<F>>(std::forward<F>(f), where);
}

/// threads::set_max of the default set.
void set_max_threads(int n);
[[nodiscard]] int max_threads();

/// Joins bide's default objects: the default set of threads and the background loop. Not from a job or a task on them
/// (throws would_deadlock); they begin anew with the next use.
void shutdown();

}  // namespace v0
}  // namespace bide
