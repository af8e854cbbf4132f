// SPDX-License-Identifier: BSL-1.0
//
// wait.hpp: block the calling thread until something awaitable is there.
//
// wait() is checked: it knows where it stands, and works, compensates, or throws would_deadlock; it never hangs
// silently where it could have known.
//   * on an ordinary thread it drives this thread's own private loop until that one task is done; no set-up
//   * in the body of a sync with_scope it drives that scope's tasks too
//   * in plain code that a loop is running, the task runs on a private idle loop while the outer loop stands still
//     (reported with BIDE_DEV=1); on a bide thread or a strand the thread stops counting, the strand is released
//   * a wait that can be seen to have no end throws would_deadlock, which names the chain of waits
//
//     std::string page = bide::wait(fetch(url));        // the same as fetch(url).wait()
//     bide::wait(bide::sleep_for(10ms));                // any awaitable
//
// Thread rule: any thread, several at once.
// Cancellation: the task inherits stop, deadline and task-locals of the code that waits; when it ends cancelled, wait
//   throws `cancelled`. During stack unwinding wait is shielded and never throws: what goes wrong is given to the
//   unhandled-error hook.
#pragma once

#include <bide/detail/future/started.hpp>
#include <bide/detail/kernel/blocking_wait.hpp>
#include <bide/detail/loop/idle_loop_scope.hpp>
#include <bide/task.hpp>

#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {

/// Blocks until the awaitable is there; its result, or its exception.
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

/// Yields a loop that is not running: the thread's current one if it is idle, else a new one that is made current. The
/// former one is restored at the end of the guard's life, also by an exception. Guards nest. For plain code: it ends on
/// the thread on which it began.
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
