// SPDX-License-Identifier: BSL-1.0
//
// time_left(): how long the code that calls it has until its deadline.
//
// Called on the thread of that code, which reads its own context. In a task the loop of the task says what time it is;
// in a job on a thread, which has no loop, the steady clock does.
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/loop.hpp>
#include <bide/time.hpp>

namespace bide {
inline namespace v0 {

std::optional<std::chrono::steady_clock::duration> time_left() noexcept {
    using clock = std::chrono::steady_clock;
    const detail::context* now = detail::current_context();
    if (now == nullptr || now->deadline == clock::time_point::max()) return std::nullopt;
    const detail::thread_state& t = detail::tls();
    const bool in_a_job = t.sleep != nullptr && t.running_loop == nullptr;  // no loop: real time
    const clock::time_point at = now->ex != nullptr && !in_a_job ? now->ex->carrier().now() : clock::now();
    return now->deadline <= at ? clock::duration::zero() : now->deadline - at;
}

}  // namespace v0
}  // namespace bide
