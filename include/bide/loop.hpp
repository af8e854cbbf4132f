// SPDX-License-Identifier: BSL-1.0
//
// loop: runs tasks, timers and input/output on one thread.
//
// Most programs never name a loop: wait() and with_scope() use one of the calling thread, and a loop_thread has one.
// Make a loop to run it inside another event loop (poll, next_deadline, descriptor), or to have several.
//
//     bide::loop l;
//     auto n = l.submit(fetch_size, url);     // from any thread
//     l.run();                                // returns when everything that was submitted has ended
//
// Thread rule: post, submit and stop may be called from any thread. run, poll, next_deadline and descriptor may be
//   called by one thread at a time, and not by a task of the loop.
// Lifetime rule: a loop outlives its tasks.
// Cancellation: stop() and the destructor ask every submitted task to stop; future::stop() asks one.
// Destructor: asks the tasks to stop and runs them to their end, on the destroying thread. In the child of a fork() it
//   does nothing.
// Order: ready tasks run in turns, first in, first out. A turn fires the timers that are due, and runs what is ready
//   then. Where that is less than eight tasks, the turn goes on with what they made ready, up to eight in all; in
//   virtual time and in poll() it does not.
// Errors: submit after stop() throws not_running. Every use in the child of a fork() throws usage_error, and so do run
//   and poll on a loop that runs already. The constructor throws std::system_error where loop_options demand a driver
//   that the system refuses.
// Units: deadlines are points of std::chrono::steady_clock.
#pragma once

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/inbox.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/base/short_spin.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/loop/driver.hpp>
#include <bide/detail/loop/stall.hpp>
#include <bide/detail/loop/timer_coalescer.hpp>
#include <bide/detail/loop/timer_queue.hpp>
#include <bide/executor.hpp>
#include <bide/future.hpp>
#include <bide/io_driver.hpp>

#include <atomic>
#include <cstdint>
#include <optional>

namespace bide {
inline namespace v0 {

namespace detail {
class blocking_wait_base;
class loop_service;
struct loop_access;
}  // namespace detail

struct loop_options {
    /// io_driver::io_uring is a demand: the loop's constructor throws std::system_error where the kernel or a container
    /// refuses it.
    io_driver driver = io_driver::automatic;
};

class loop final : public executor {
public:
    using clock = std::chrono::steady_clock;

    /// The loop keeps the time of this thread: real, or virtual where a testing::virtual_time guard lives.
    loop() : loop(loop_options{}) {}
    explicit loop(loop_options options);
    ~loop() override;

    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return *this; }
    [[nodiscard]] const char* name() const noexcept override { return "loop"; }

    /// Hands f(args…) or an awaitable to this loop, from any thread. Returns a future, whose stop() asks the task to
    /// stop.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Runs the loop until everything that was submitted has ended; returns at once when there is nothing.
    void run();

    /// Asks every task to stop, and refuses new work from now on; from any thread. run() returns when all have ended.
    void stop(stop_reason why = stop_reason::shutdown);

    /// Runs one turn without sleeping: ready tasks, due timers, I/O that has happened. Returns true if there is more to
    /// do at once.
    bool poll();
    /// Returns the time at which poll() has to be called at the latest; empty: no timer is armed.
    [[nodiscard]] std::optional<clock::time_point> next_deadline();
    /// Returns a descriptor that is readable when poll() should be called. The loop owns it.
    [[nodiscard]] int descriptor();

    /// The loop's time: real, or virtual in tests.
    [[nodiscard]] clock::time_point now() noexcept;

private:
    friend struct detail::loop_access;

    template <class F, class... A>
    auto submit_at(const std::source_location& where, F&& f, A&&... args) {
        check_process();
        return detail::submit_started(*this, &work_, where, std::forward<F>(f), std::forward<A>(args)...);
    }
    void push_local(ready_node& node) noexcept { ready_.push_back(node); }
    void take_inbox() noexcept;
    template <class Until>
    bool turn(unsigned least, const Until& until) noexcept;
    template <class Until>
    void run_while(const Until& unfinished) noexcept;
    void fire_timers() noexcept BIDE_EXCLUDES(timers_lock_);
    void note_first_timer() noexcept BIDE_REQUIRES(timers_lock_);
    [[nodiscard]] clock::time_point find_first_timer() noexcept BIDE_EXCLUDES(timers_lock_);
    [[nodiscard]] bool end_sleep() noexcept;
    void join_wakers() noexcept;
    [[nodiscard]] bool begin_host_sleep() noexcept;
    [[nodiscard]] bool only_yields_left() const noexcept;
    void sleep() noexcept;
    [[nodiscard]] bool may_look(clock::time_point until) noexcept;
    [[nodiscard]] bool spin_for_change(const std::atomic<std::size_t>& count, std::size_t now) noexcept;
    void wake_sleeper() noexcept;
    void run_until_done(const detail::blocking_wait_base& waited) noexcept;
    void run_until_set(const std::atomic<bool>& over) noexcept;
    void serve(const detail::loop_service& service) noexcept;
    static std::int64_t ticks(clock::time_point t) noexcept { return t.time_since_epoch().count(); }
    void check_process() const;
    void check_thread(const char* what) const;

    detail::inbox<ready_node> inbox_;
    detail::fifo<ready_node, &ready_node::next> ready_;
    detail::owned_ptr<detail::driver> driver_;
    const bool time_jumps_;  // as the driver says
    detail::spin_lock timers_lock_;
    detail::timer_queue timers_ BIDE_GUARDED_BY(timers_lock_);
    std::atomic<std::int64_t> earliest_;  // no timer is due before; written with timers_lock_ held, read without
    detail::timer_coalescer coalescer_;   // of timers that are due close together
    detail::noted_edges noted_;           // waits that are examined before the loop sleeps
    detail::stall_watch stall_;           // whether the loop sleeps for ever
    detail::short_spin spin_;             // before the loop sleeps,
    detail::short_spin early_spin_;       // and before a task parks whose wait would let the loop sleep
    bool polled_ = false;                 // the present turn is one of poll()
    unsigned turns_ = 0;
    unsigned looked_at_ = 0;                     // the turn in which, or before which, the driver was polled
    unsigned yields_ = 0;                        // tasks that only yielded in the present turn
    std::uint64_t turns_of_yields_ = 1;          // after so many such turns every ready task has only yielded
    std::uint64_t idle_turns_ = 0;               // so many turns in a row every task only yielded
    bool host_may_sleep_ = false;                // poll() or next_deadline() has told the host that it may sleep
    bool running_ = false;                       // a thread runs the loop
    int process_ = 0;                            // the process that made the loop: fork() is noticed
    detail::submitted_work work_;                // what was submitted and has not ended
    std::uint32_t wakers_told_ = 0;              // pushers that had to wake the loop,
    std::atomic<std::uint32_t> wakers_done_{0};  // and those of them that touch the loop no more
    std::atomic<detail::virtual_clock*> sleeping_for_{nullptr};  // the clock that the present sleep does not hold up
};

}  // namespace v0
}  // namespace bide
