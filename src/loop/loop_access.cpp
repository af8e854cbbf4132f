// SPDX-License-Identifier: BSL-1.0
//
// What timers, I/O, waits and the debug view do to a loop. Any thread arms timers and takes them out, with the loop's
// timers_lock_ held. The other functions run on the thread that runs the loop, or is about to block it. The kernel
// calls the two functions on top without knowing loops (seams).
#include "kernel/this_thread.hpp"
#include "loop/running_here.hpp"
#include "loop/uring/ring.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/error.hpp>

#include <iterator>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

noted_edges& noted_on(loop& l) noexcept { return loop_access::noted(l); }

[[gnu::noinline]] void arm_deferred_timer_slowly() noexcept {
    loop& l = *this_thread.deferred_timer_loop;
    const lock_guard guard(loop_access::timers_lock(l));
    // No thread has to be woken: this thread runs the loop.
    static_cast<void>(loop_access::arm_locked(l, *std::exchange(this_thread.deferred_timer, nullptr)));
}

void loop_access::throw_inherited() {
    throw usage_error(
        "this loop was made before fork(): the child cannot use it; make a new loop in the child, or start "
        "threads and loops after forking");
}

bool loop_access::arm_locked(loop& l, timer_node& t) noexcept {
    if (l.timers_.empty()) l.timers_.begin(l.driver_->now());
    BIDE_ASSERT(L1, !t.armed());
    l.timers_.insert(t);
    // relaxed: written under the lock; for readers without it see find_first_timer()
    if (loop::ticks(t.due) >= l.earliest_.load(std::memory_order_relaxed)) return false;
    l.earliest_.store(loop::ticks(t.due), std::memory_order_relaxed);
    return true;
}

void loop_access::timer_became_first(loop& l) noexcept {
    const thread_state& now = this_thread;
    if (now.running_loop != &l && now.idle_loop != &l) wake(l);
}

void loop_access::arm(loop& l, timer_node& t) noexcept {
    arm_deferred_timer(this_thread);  // before this one, if their times are equal
    l.timers_lock_.lock();
    const bool first = arm_locked(l, t);
    l.timers_lock_.unlock();
    if (first) timer_became_first(l);
}

bool loop_access::arm_later(loop& l, const context& by, timer_node& t) noexcept {
    if (this_thread.running_loop != &l || by.ex != &l) return false;
    arm_deferred_timer(this_thread);
    this_thread.deferred_timer = &t;
    this_thread.deferred_timer_loop = &l;
    return true;
}

bool loop_access::disarm_fresh(timer_node& t) noexcept {
    // On another thread, and after anything has suspended, the timer is armed.
    if (this_thread.deferred_timer != &t) return false;
    this_thread.deferred_timer = nullptr;
    return true;
}

void loop_access::disarm_locked(loop& l, timer_node& t) noexcept {
    if (!t.armed()) return;
    l.timers_.remove(t);
    // earliest_ keeps the old time until a sleep needs the exact one (find_first_timer): a million timers may be taken
    // out one after another.
    if (l.timers_.empty()) l.earliest_.store(loop::ticks(loop::clock::time_point::max()), std::memory_order_relaxed);
}

ring* loop_access::ring_of(const promise_base& frame) noexcept {
    loop* const here = this_thread.running_loop;
    return here != nullptr && frame.ctx->ex == here ? driver_of(*here).ring() : nullptr;
}

void loop_access::flush_ring_before_block() noexcept {
    for (const running_here* r = running_here::innermost; r != nullptr; r = r->outer) {
        ring* const made = r->loop_driver.ring_made;
        if (made == nullptr || made->inherited()) continue;
        made->end_resting();
        if (r->loop_driver.unsent) made->poll();
    }
}

std::vector<const loop*> loop_access::loops_of_this_thread() {
    std::vector<const loop*> mine;
    for (const running_here* r = running_here::innermost; r != nullptr; r = r->outer) mine.push_back(&r->mine);
    if (this_thread.idle_loop != nullptr) mine.push_back(this_thread.idle_loop);
    return mine;
}

bool loop_access::reusable(loop& l) noexcept {
    return l.ready_.empty() && !l.inbox_.maybe_something() && l.work_.empty() && !l.work_.closed() &&
           l.timers_.empty() && !inherited(l) && l.driver_->current();
}

bool loop_access::start_inside(loop& l, promise_base* child, thread_state& t, int uncaught) noexcept {
    bool suspended = false;
    unsigned left = 0;
    {
        const running_here here(l, l.running_, *l.driver_, uncaught, t);
        BIDE_ASSERT(K5, !t.suspended);  // the wait() has saved the flag of the frames further down this stack
        suspended = start_nested(child);
        t.suspended = false;  // K5: this is the bottom of the stack of frames
        left = t.credits;
    }
    // The child's operations count; with no credit left the wait goes to the loop's queue now, which earns new ones.
    t.credits = left != 0 ? left : credits_per_turn;
    return suspended;
}

bool loop_access::stop_live(loop& l, stop_reason why) noexcept {
    // Nodes of this loop end on this thread: so the found ones live while they are asked, without the locks (a request
    // calls stop callbacks of the user's). A few at a time, because this function must not allocate.
    struct search {
        loop& l;
        bool any = false;
        std::size_t found = 0;
        task_node* some[64];
        bool lives_here(const task_node& n) const noexcept { return n.ctx.ex->runs_on(l); }
        static void look(executor* ex, void* with) noexcept {
            auto& s = *static_cast<search*>(with);
            for (; ex != nullptr; ex = live_access::after(*ex)) {
                if (!ex->runs_on(s.l)) continue;
                live_list& list = live_access::of(*ex);
                const lock_guard guard(list.lock);
                for (task_node* n = list.first; n != nullptr; n = n->next) {
                    s.any = true;
                    const bool from_elsewhere = n->parent == nullptr || !s.lives_here(*n->parent);
                    if (s.found < std::size(s.some) && from_elsewhere && !n->stop.requested()) s.some[s.found++] = n;
                }
            }
        }
    };
    for (;;) {
        search s{l, false, 0, {}};
        live_access::visit([](executor* first, void* with) { search::look(first, with); }, &s);
        for (std::size_t i = 0; i < s.found; ++i) s.some[i]->stop.request(why);
        if (s.found < std::size(s.some)) return s.any;
    }
}

void loop_access::wake(loop& l) noexcept { l.driver_->wake(); }

}  // namespace detail

}  // namespace v0
}  // namespace bide
