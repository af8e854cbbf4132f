// SPDX-License-Identifier: BSL-1.0
//
// wait: blocks the calling thread until an awaitable has its result.
//
//     std::string page = bide::wait(fetch(url));        // the same as fetch(url).wait()
//     bide::wait(bide::sleep_for(10ms));                // any awaitable
//
// wait() looks at where it is called. It works, or it throws would_deadlock, where it can be known that it would never
// end:
//   * On an ordinary thread it runs this thread's idle loop until the task has ended. Nothing has to be set up.
//   * In the body of a with_scope in plain code it runs the tasks of that scope meanwhile.
//   * In plain code that a loop runs, it blocks that loop and runs another idle loop. BIDE_DEV=1 reports it as a
//   standstill.
//   * On a thread of bide's (a worker of a pool, a job of to_thread) bide stops counting the thread as working, so that
//     another one may take its place. A member of a strand leaves the strand meanwhile.
//   * Before the thread sleeps, bide looks for a circle of waits. One wait of a circle throws would_deadlock, whose
//     text names the chain of waits.
//
// Thread rule: any thread, several threads at once.
// Lifetime rule: wait() takes the awaitable; an lvalue lives until wait() returns.
// Cancellation: the task inherits stop, deadline and task-locals of the task in whose plain code wait() is called. When
//   the task ends cancelled, wait() throws `cancelled`.
// Errors: the task's exception; `cancelled`; would_deadlock; limit_reached when waits are nested so deeply that the
//   stack is nearly used up. During stack unwinding wait() is shielded from stop requests and never throws: the
//   unhandled-error hook gets the failure.
#pragma once

#include <bide/detail/future/started.hpp>
#include <bide/detail/kernel/blocking_wait.hpp>
#include <bide/detail/loop/idle_loop_scope.hpp>
#include <bide/task.hpp>

#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {

/// Blocks until the awaitable has its result, and returns that, or throws its exception.
template <awaitable A>
typename detail::await_result<A>::type wait(A&& a, std::source_location where = std::source_location::current()) {
    if constexpr (requires { std::forward<A>(a).wait(where); }) {
        return std::forward<A>(a).wait(where);
    } else if constexpr (std::is_lvalue_reference_v<A>) {
        return detail::as_task_of<A>(a).wait(where);
    } else {
        return detail::as_task<A>(std::forward<A>(a)).wait(where);
    }
}

/// A guard that gives this thread a loop which is not running: the thread's current loop if that is idle, else another
/// one, which becomes the current loop. The guard's destructor restores the former one, also during unwinding. Guards
/// nest. Use it in plain code: the guard ends on the thread on which it began.
class idle_loop {
public:
    idle_loop();
    idle_loop(const idle_loop&) = delete;
    idle_loop& operator=(const idle_loop&) = delete;
    ~idle_loop();
    [[nodiscard]] loop& get() const noexcept;
    loop& operator*() const noexcept { return get(); }
    loop* operator->() const noexcept { return &get(); }

private:
    detail::idle_loop_scope scope_;
};

}  // namespace v0
}  // namespace bide
