// SPDX-License-Identifier: BSL-1.0
//
// The loop: its turn, its sleep and its wake-up, and the runs that the rest of the library asks for (through
// loop_access). The thread that runs the loop calls everything but post(), stop() and wake_sleeper(), which any thread
// may call. The turn, the sleep and run_while stay in one source, so that the compiler sees a whole turn.
#include "kernel/this_thread.hpp"
#include "loop/loop_service.hpp"
#include "loop/running_here.hpp"
#include "loop/uring/ring.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/blocking_wait.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/detail/loop/virtual_clock.hpp>
#include <bide/loop.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

constexpr unsigned least_per_turn = 8;       // a turn runs so many nodes, if it makes enough of them ready
constexpr unsigned turns_between_polls = 8;  // a busy loop polls its driver once in so many turns
constexpr std::chrono::milliseconds until_next_examination{10};  // after one that was short of memory

using detail::process_generation;

}  // namespace

loop::loop(loop_options options)
    : driver_(detail::make_default_driver(options.driver)),
      time_jumps_(driver_->jumps()),
      earliest_(ticks(clock::time_point::max())),
      process_(process_generation()),
      work_("this loop") {
    loop_ = this;
}

loop::~loop() {
    if (process_ != process_generation()) {  // in the child of a fork(): it must not run the parent's tasks
        retire();
        return;
    }
    work_.close(stop_reason::shutdown);
    const auto unfinished = [this] { return !work_.empty() || !ready_.empty() || inbox_.maybe_something(); };
    run_while(unfinished);
    retire();
    run_while(unfinished);  // what the debug view posted until then
    join_wakers();
}

void loop::check_process() const {
    if (detail::loop_access::inherited(*this)) detail::loop_access::throw_inherited();
}

void loop::post(ready_node& node) noexcept {
    detail::thread_state& t = detail::this_thread;
    if (t.running_loop == this || t.idle_loop == this)
        push_local(node);
    else if (inbox_.push(node))
        wake_sleeper();
}

// The pusher to which inbox::push() returned true calls it. The owner thread may run as soon as the driver has woken
// it, before this function returns. It waits for the pusher only where it has to (join_wakers): a wait at each wake-up
// would cost a thread switch on one processor.
void loop::wake_sleeper() noexcept {
    // relaxed: written before the owner fell asleep, which the push acquired
    if (auto* const clock_of_test = sleeping_for_.load(std::memory_order_relaxed)) clock_of_test->job_begins();
    driver_->wake();
    wakers_done_.fetch_add(1, std::memory_order_release);  // release: the last touch, see join_wakers()
}

void loop::take_inbox() noexcept {
    for (ready_node* n = inbox_.take(); n != nullptr;) {
        ready_node* after = n->next;
        push_local(*n);
        n = after;
    }
}

void loop::fire_timers() noexcept {
    detail::arm_deferred_timer(detail::this_thread);
    // relaxed: this thread wrote it, or another one, which wakes the loop after it armed the timer
    if (earliest_.load(std::memory_order_relaxed) == ticks(clock::time_point::max())) return;
    const clock::time_point now = driver_->now();
    if (earliest_.load(std::memory_order_relaxed) > ticks(now)) return coalescer_.woken_early();
    detail::lock_guard guard(timers_lock_);
    while (detail::timer_node* t = timers_.first()) {
        if (t->due > now) break;
        timers_.remove(*t);
        coalescer_.fires(t->due);
        t->fire(t);
    }
    coalescer_.fired(now);
    note_first_timer();
}

void loop::note_first_timer() noexcept {
    const detail::timer_node* const first = timers_.first();
    // relaxed: a reader holds timers_lock_, or runs the loop and is woken after the change
    earliest_.store(ticks(first != nullptr ? first->due : clock::time_point::max()), std::memory_order_relaxed);
}

// Called before a sleep. The timer of earliest_ may have been taken out since: virtual time must not jump to it.
loop::clock::time_point loop::find_first_timer() noexcept {
    detail::arm_deferred_timer(detail::this_thread);
    // relaxed: armed by this thread, or by one that pushes into the inbox or wakes the driver afterwards
    if (earliest_.load(std::memory_order_relaxed) == ticks(clock::time_point::max())) return clock::time_point::max();
    const detail::lock_guard guard(timers_lock_);
    note_first_timer();
    return clock::time_point(clock::duration(earliest_.load(std::memory_order_relaxed)));
}

// Runs the nodes that were ready when the turn began, in order. Where those are fewer than `least`, the turn goes on
// with nodes that they made ready, up to `least`: a few tasks that wake one another do not pay for a turn each time.
// Returns false if no node ran, or, in virtual time, if every ready task only yielded.
template <class Until>
bool loop::turn(unsigned least, const Until& unfinished) noexcept {
    // The driver hands over the ring's queued entries in one batch per turn; where nothing is ready, with the sleep.
    const bool send = driver_->unsent && !ready_.empty();
    ++turns_;
    if (send || (turns_ - looked_at_ >= turns_between_polls && driver_->watches_anything())) {
        driver_->poll();
        looked_at_ = turns_;
    }
    // A loop that never sleeps examines its waits here, and not in sleep().
    if (turns_ % detail::turns_between_examinations == 0) static_cast<void>(detail::examine_edges(noted_));
    take_inbox();
    fire_timers();
    const ready_node* const end = ready_.last();
    bool past_end = false;
    unsigned ran = 0;
    yields_ = 0;
    turns_of_yields_ = 1;
    detail::thread_state& t = detail::this_thread;
    name_fork(t);  // a fork's child that runs below this turn gets its own node before t.current is read
    detail::task_node* const before = t.current;
    while (!ready_.empty() && unfinished()) {
        ready_node* const n = &ready_.pop_front();
        ++ran;
        past_end = past_end || n == end;  // the node may be gone after it ran
        run_node(t, *n);
        BIDE_ASSERT(K5, !t.suspended);
        t.current = before;  // unfinished() may call the user's stop callbacks: the chain that just ran is not theirs
        if (past_end && ran >= least) break;
    }
    if (ran == 0) {
        idle_turns_ = 0;
        return false;
    }
    stall_.looked = false;
    stall_.since = {};
    if (ran > yields_) {
        idle_turns_ = 0;
        return true;
    }
    return !time_jumps_ || ++idle_turns_ < turns_of_yields_;
}

// Returns true if every node that is left is of a task that yielded in this turn. A task may make another one ready
// before it yields: then more nodes are left than tasks yielded.
bool loop::only_yields_left() const noexcept {
    unsigned left = 0;
    for (const ready_node* n = ready_.first(); n != nullptr && left <= yields_; n = n->next) ++left;
    return left <= yields_ && !inbox_.maybe_something();
}

void loop::sleep() noexcept {
    // After the turn unfinished() has asked tasks to stop (serve), and a stop request made one ready.
    if (!ready_.empty() && !time_jumps_) return;
    const detail::examined waits = detail::examine_edges(noted_);
    if (waits == detail::examined::woke) return;
    const clock::time_point until = find_first_timer();
    if (!ready_.empty()) {  // in virtual time: as above, or every ready task only yielded
        if (only_yields_left()) driver_->only_yields(until);
        idle_turns_ = 0;
        return;
    }
    // Nothing that this loop knows of will end its sleep.
    const bool for_ever = until == clock::time_point::max() && !driver_->watches_anything();
    if (for_ever && !stall_.looked && time_jumps_) {
        stall_.looked = detail::report_certain_stall(*this);
        if (stall_.looked) return;  // the report hook may have made something ready
    }
    auto patience = for_ever && !stall_.looked ? detail::time_until_look(stall_) : std::chrono::milliseconds::max();
    if (waits == detail::examined::short_of_memory && until == clock::time_point::max())
        patience = std::min(patience, until_next_examination);
    // Another thread may be about to post something.
    if (may_look(until) && spin_.look([this] { return inbox_.maybe_something(); })) return;
    // A job that sleeps here until another thread wakes it does not hold up the virtual clock of the test for which it
    // works: the clock counts the job as ended meanwhile.
    detail::thread_sleep* const told = detail::this_thread.sleep;
    detail::virtual_clock* const held = told != nullptr && for_ever ? told->clock() : nullptr;
    // A late waker of an earlier sleep would read the new sleeping_for_, and count the job twice.
    if (held != nullptr) join_wakers();
    sleeping_for_.store(held, std::memory_order_relaxed);  // relaxed: go_to_sleep() releases it to the waker
    if (!inbox_.go_to_sleep()) return;
    if (told != nullptr) told->begin_sleep();
    if (held != nullptr) held->job_ended();
    bool woken = true;
    if (patience != std::chrono::milliseconds::max())
        woken = driver_->park_at_most(patience);
    else
        driver_->park(time_jumps_ ? until : coalescer_.sleeps_for(until));
    looked_at_ = turns_;
    if (told != nullptr) told->end_sleep();
    const bool by_itself = end_sleep();
    if (held != nullptr) {
        if (by_itself)
            held->job_begins();
        else
            join_wakers();  // the waker calls job_begins(); this thread must not let the clock advance before
    }
    // Without a wake-up the patience is over, or a signal handler interrupted the sleep: time_until_look() tells.
    if (woken || waits == detail::examined::short_of_memory || !ready_.empty() || inbox_.maybe_something() ||
        detail::time_until_look(stall_).count() > 0)
        return;
    stall_.looked = true;  // one look until a node runs again: the next sleep has no limit
    detail::report_stall(*this, stall_);
}

// Returns true if the owner thread may spin before it sleeps. A spin looks neither at I/O nor at timers: so no
// descriptor is watched, and no timer is due within the spin.
bool loop::may_look(clock::time_point until) noexcept {
    return !time_jumps_ && !driver_->unsent && !driver_->watches_anything() &&
           (until == clock::time_point::max() || until - driver_->now() > detail::short_spin::limit);
}

// A task that is about to park calls it; it spins only where the loop would have nothing else to do. Returns true if
// `count` is no longer `now`.
bool loop::spin_for_change(const std::atomic<std::size_t>& count, std::size_t now) noexcept {
    constexpr unsigned pauses = 16;  // few looks: the other side writes `count` all the time
    if (!ready_.empty() || polled_) return false;
    detail::arm_deferred_timer(detail::this_thread);  // it may be the first to fall due
    // relaxed: as in sleep()
    const auto until = clock::time_point(clock::duration(earliest_.load(std::memory_order_relaxed)));
    if (!may_look(until)) return false;
    // relaxed: a hint; the caller looks again
    const auto changed = [&] { return count.load(std::memory_order_relaxed) != now; };
    return early_spin_.look([&] { return changed() || inbox_.maybe_something(); }, pauses) && changed();
}

// Returns false if a pusher woke the loop, or is about to. That pusher touches the loop until it has counted itself in
// wakers_done_.
bool loop::end_sleep() noexcept {
    if (inbox_.wake_up()) return true;
    ++wakers_told_;
    return false;
}

void loop::join_wakers() noexcept {
    // acquire: what the wakers did to the loop happens before what the caller does to it
    for (unsigned round = 0; wakers_done_.load(std::memory_order_acquire) != wakers_told_;) detail::spin_wait(round);
}

template <class Until>
void loop::run_while(const Until& unfinished) noexcept {
    const detail::running_here here(*this, running_, *driver_);
    if (std::exchange(host_may_sleep_, false)) static_cast<void>(end_sleep());
    // In virtual time a turn runs what was ready at its beginning and no more: so it tells whether every task yielded.
    const unsigned least = time_jumps_ ? 1 : least_per_turn;
    while (unfinished())
        if (!turn(least, unfinished) && unfinished()) sleep();
    detail::ring* const made = driver_->ring_made;
    if (made != nullptr && made->bound()) made->end_resting();
    if (driver_->unsent) driver_->poll();  // tasks may have queued entries in the last turn
}

void loop::check_thread(const char* what) const {
    if (driver_->ring_made == nullptr || !driver_->ring_made->foreign()) return;
    throw usage_error(std::string(what) +
                      ": this loop is another thread's own (that of its wait() and idle_loop) and has I/O under way "
                      "there; make a loop of your own to run it on several threads");
}

void loop::run() {
    check_process();
    check_thread("loop::run");
    if (running_) throw usage_error("loop::run: this loop is being run already, by this thread or another");
    run_while([this] { return !work_.empty() || !ready_.empty(); });
}

void loop::stop(stop_reason why) {
    check_process();
    work_.close(why);
    detail::loop_access::wake(*this);
}

bool loop::poll() {
    check_process();
    check_thread("loop::poll");
    if (running_) throw usage_error("loop::poll: this loop is being run already, by this thread or another");
    const detail::running_here here(*this, running_, *driver_);
    if (std::exchange(host_may_sleep_, false)) static_cast<void>(end_sleep());
    driver_->poll();  // also when nothing is watched: it takes back the wake-up that made the descriptor readable
    looked_at_ = turns_;
    polled_ = true;
    turn(1, [] { return true; });
    polled_ = false;
    if (driver_->unsent) driver_->poll();  // the host may sleep after this call
    if (!ready_.empty() || driver_->unsent || detail::examine_edges(noted_) != detail::examined::nothing) return true;
    return !begin_host_sleep();
}

// Returns true if nothing was posted. The next post makes the descriptor readable.
bool loop::begin_host_sleep() noexcept {
    if (!inbox_.go_to_sleep()) return false;
    host_may_sleep_ = true;
    return true;
}

std::optional<loop::clock::time_point> loop::next_deadline() {
    check_process();
    if (!ready_.empty() || !begin_host_sleep()) return now();  // the host is about to sleep
    const clock::time_point first = find_first_timer();
    if (first == clock::time_point::max()) return std::nullopt;
    return first;
}

int loop::descriptor() {
    check_process();
    return driver_->descriptor();
}

loop::clock::time_point loop::now() noexcept { return driver_->now(); }

// ---- runs for the rest of the library ------------------------------------------------------------------------------

void loop::run_until_done(const detail::blocking_wait_base& waited) noexcept {
    run_while([&waited] { return !waited.done(); });
}

void loop::run_until_set(const std::atomic<bool>& over) noexcept {
    // acquire: what the setter did before is visible
    run_while([&over] { return !over.load(std::memory_order_acquire); });
}

void loop::serve(const detail::loop_service& service) noexcept {
    using detail::loop_access;
    bool asked = false;
    loop_access::bind_to_this_thread(*this);
    run_while([&] {
        if (!service.stopping()) [[likely]]
            return true;
        if (!std::exchange(asked, true)) loop_access::stop_live(*this, service.why());
        if (!work_.empty() || !ready_.empty() || inbox_.maybe_something() || service.has_jobs()) return true;
        return loop_access::stop_live(*this, service.why());  // for what other threads started meanwhile
    });
    driver_->end_ring();  // the ring is bound to this thread; the service's next begin() makes another thread
}

namespace detail {

BIDE_STATIC_TLS constinit thread_local running_here* running_here::innermost = nullptr;

bool spin_for_change(const std::atomic<std::size_t>& count, std::size_t now) noexcept {
    const thread_state& t = this_thread;
    // Only where the loop itself runs the task: a strand has a queue of its own, at which the loop does not look.
    return t.running_loop != nullptr && t.running == t.running_loop &&
           loop_access::spin_for_change(*t.running_loop, count, now);
}

}  // namespace detail

}  // namespace v0
}  // namespace bide
