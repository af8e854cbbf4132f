// SPDX-License-Identifier: BSL-1.0
//
// running_here: one run of a loop by this thread, on the native stack. The constructor saves the thread's state and
// acquires the loop's ring; the destructor restores both. The runs of a thread form a list, innermost first. loop.cpp
// and loop_access.cpp make them.
#pragma once

#include "base/static_tls.hpp"
#include "kernel/this_thread.hpp"
#include "loop/uring/ring.hpp"

#include <bide/detail/loop/driver.hpp>
#include <bide/loop.hpp>

#include <exception>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// While it lives, this thread runs the loop.
struct running_here {
    thread_state& t;
    loop* loop_before;
    executor* executor_before;
    task_node* current_before;
    unsigned credits_before;
    int unwinding_before;
    int uncaught_before;
    bool& flag;
    driver& loop_driver;
    loop& mine;
    running_here* outer;
    // The innermost run on this thread's stack: the debug view and flush_ring_before_block() follow `outer` from here.
    BIDE_STATIC_TLS static constinit thread_local running_here* innermost;
    running_here(loop& l, bool& running, driver& d, int uncaught = std::uncaught_exceptions(),
                 thread_state& state = this_thread) noexcept
        : t(state),
          loop_before(std::exchange(t.running_loop, &l)),
          executor_before(std::exchange(t.running, &l)),
          current_before(t.current),
          credits_before(t.credits),
          unwinding_before(std::exchange(t.unwinding, 0)),
          uncaught_before(std::exchange(t.uncaught_base, uncaught)),
          flag(running),
          loop_driver(d),
          mine(l) {
        flag = true;
        loop_driver.running = true;
        if (loop_driver.ring_made != nullptr) loop_driver.ring_made->acquire();
        outer = innermost;
        innermost = this;
    }
    running_here(const running_here&) = delete;
    running_here& operator=(const running_here&) = delete;
    ~running_here() {
        innermost = outer;
        flag = false;
        loop_driver.running = false;
        if (loop_driver.ring_made != nullptr) loop_driver.ring_made->release();
        t.running_loop = loop_before;
        t.running = executor_before;
        t.current = current_before;
        t.unwinding = unwinding_before;
        t.uncaught_base = uncaught_before;
        // The code below goes on with the credits that it had left; at zero the run of the loop has earned new ones.
        t.credits = credits_before != 0 ? credits_before : credits_per_turn;
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
