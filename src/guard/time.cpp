// SPDX-License-Identifier: BSL-1.0
//
// now(): what time it is for the code that calls it; time_left(): how long that code has until its deadline.
//
// Called on the thread of that code, which reads its own context. Both ask the same clock, by which the timers of that
// code fire: the task's loop's; in a job on a thread and on a pool, whose timers are in real time, the steady clock.
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/detail/loop/virtual_clock.hpp>
#include <bide/loop.hpp>
#include <bide/time.hpp>

namespace bide {
inline namespace v0 {

using clock = std::chrono::steady_clock;

namespace {
clock::time_point time_of(const detail::context* code) noexcept {
    const detail::thread_state& t = detail::tls();
    // A job, or a task of a pool. Its context may name an executor of the code that awaits it. TRAP: carrier() of a pool
    // would begin bide's background loop, for a question.
    if (t.sleep != nullptr && t.running_loop == nullptr) return clock::now();
    if (code != nullptr && code->ex != nullptr) return code->ex->carrier().now();
    if (t.running_loop != nullptr) return t.running_loop->now();  // a callback in the loop's turn
    return t.clock != nullptr ? t.clock->now() : clock::now();    // plain code: as the loop that wait() would run
}
}  // namespace

clock::time_point now() noexcept {
    // Not current_context(): a nested child of a fork needs no node of its own for this, its executor is its chain's.
    const detail::task_node* const chain = detail::tls().current;
    return time_of(chain != nullptr ? chain->active : nullptr);
}

std::optional<clock::duration> time_left() noexcept {
    const detail::context* const code = detail::current_context();
    if (code == nullptr || code->deadline == clock::time_point::max()) return std::nullopt;
    const clock::time_point at = time_of(code);
    return code->deadline <= at ? clock::duration::zero() : code->deadline - at;
}

}  // namespace v0
}  // namespace bide
