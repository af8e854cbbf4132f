// SPDX-License-Identifier: BSL-1.0
#include "kernel/this_thread.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/detail/kernel/live_access.hpp>
#include <bide/executor.hpp>

#include <exception>
#include <string>

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
    name_fork(t);                                 // what runs below us in a fork is told now, as itself
    detail::task_node* const before = t.current;  // an executor of the user's may run nodes in the midst of anything
    run_node(t, node);
    t.current = before;
}

}  // namespace v0
}  // namespace bide
