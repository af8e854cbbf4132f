// SPDX-License-Identifier: BSL-1.0
//
// The parts of an executor that are not virtual: it enters and leaves the list of all executors, gives its default
// carrier, and runs one ready node. Constructor and destructor run on the thread that owns the executor; run_ready()
// runs on whatever thread serves it, and is the trampoline of every executor but the loop, which has run_node() in
// line.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/detail/kernel/live_access.hpp>
#include <bide/executor.hpp>

#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {

executor::executor(const executor* base) noexcept : base_(base) { detail::live_access::enter(*this); }
executor::~executor() { retire(); }
void executor::retire() noexcept { detail::live_access::leave(*this); }

loop& executor::carrier() noexcept {
    try {
        return detail::background_loop();
    } catch (const std::exception& e) {
        detail::fail_fast(
            std::string("bide's background loop, which carries the timers and the I/O of an executor that "
                        "names no other (executor::carrier), could not be made: ") +
            e.what());
    }
}

void run_ready(ready_node& node) noexcept {
    detail::thread_state& t = detail::this_thread;
    name_fork(t);                                 // a fork's child below on this stack gets its own node (F2)
    detail::task_node* const before = t.current;  // a user's executor may run nodes inside a running task,
    const bool suspended = std::exchange(t.suspended, false);  // or where foreign code was told of a suspension (K5)
    run_node(t, node);
    t.suspended = suspended;
    t.current = before;
}

}  // namespace v0
}  // namespace bide
