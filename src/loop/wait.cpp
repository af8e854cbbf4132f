// SPDX-License-Identifier: BSL-1.0
//
// wait() in plain code: blocking_wait_base::drive starts the task nested on an idle loop of the calling thread, and
// runs this loop until the task has ended. The awaitables' .wait() call it, on the waiting thread. The kernel declares
// these functions, since task::wait() needs them, and knows no loop (seams).
#include "base/place.hpp"
#include "kernel/this_thread.hpp"
#include "loop/nested_wait_deadline.hpp"

#include <bide/detail/deadlock/wait_graph.hpp>
#include <bide/detail/kernel/blocking_wait.hpp>
#include <bide/detail/loop/idle_loop_scope.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/hooks.hpp>
#include <bide/wait.hpp>

#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

// The thread's state inside of the wait; the former one comes back at its end.
struct inside_wait {
    thread_state& t;
    task_node* current;
    bool suspended;
    inside_wait(thread_state& state, task_node* waited) noexcept
        : t(state), current(std::exchange(t.current, waited)), suspended(std::exchange(t.suspended, false)) {}
    inside_wait(const inside_wait&) = delete;
    inside_wait& operator=(const inside_wait&) = delete;
    ~inside_wait() {
        t.current = current;
        t.suspended = suspended;
    }
};

void report_standstill(const std::source_location& at) noexcept {
    try {
        report(
            std::string("standstill: wait() at ") + place_of(at) +
            " blocks a thread on which a loop is running; its other tasks stand still meanwhile. From a coroutine use "
            "co_await; for blocking code use to_thread");
    } catch (...) {  // no memory for the message
    }
}

[[noreturn]] void throw_too_deep(const std::source_location& at) {
    throw limit_reached(
        std::string("wait() at ") + place_of(at) +
        " is nested too deeply in other waits: this thread's stack is nearly used up. From a coroutine use "
        "co_await, which needs no stack");
}

}  // namespace

bool blocking_wait_base::drive(slot_base& s) {
    struct cold_frame {  // ours until it is started
        promise_base* p;
        explicit cold_frame(promise_base* cold) noexcept : p(cold) {}
        cold_frame(const cold_frame&) = delete;
        cold_frame& operator=(const cold_frame&) = delete;
        ~cold_frame() {
            if (p != nullptr) destroy_cold(p);
        }
    } cold(s.child);
    if (stack_nearly_full()) throw_too_deep(started);
    thread_state& t = this_thread;
    const int uncaught = std::uncaught_exceptions();
    const bool shielded = t.unwinding != 0 || uncaught > t.uncaught_base;  // as unwinding_now()
    const idle_loop_scope idle(t);
    loop& l = idle.get();
    name_fork(t);
    ctx.ex = &l;
    if (t.current != nullptr) {
        const context* const from = t.current->active;
        parent = from->owner;
        owner = from->owner->owner;
        ctx.locals = from->locals;
        if (!shielded) {
            ctx.deadline = from->deadline;
            stop.link_to(*from->stop);
        }
    } else {
        owner = plain_owner();
    }
    const inside_wait inside(t, this);
    loop* const blocked_loop = t.running_loop;
    nested_wait_scope nested(t, this, blocked_loop);

    cold.p = nullptr;
    if (!loop_access::start_inside(l, prepare(s, &blocking_wait_base::on_end), t, uncaught)) return shielded;
    if (done()) return shielded;

    enlist();
    nested.publish();
    if (blocked_loop != nullptr) {
        loop_access::flush_ring_before_block();
        if (dev_mode()) report_standstill(started);
    }
    blocking_region* const region = std::exchange(t.blocking, nullptr);
    if (region != nullptr) region->begin_blocking();
    {
        const nested_wait_deadline deadline(blocked_loop, l, stop, ctx);
        loop_access::run_until_done(l, *this);
    }
    if (region != nullptr) region->end_blocking();
    t.blocking = region;
    delist();
    return shielded;
}

}  // namespace detail

idle_loop::idle_loop() = default;
idle_loop::~idle_loop() = default;
loop& idle_loop::get() const noexcept { return scope_.get(); }

}  // namespace v0
}  // namespace bide
