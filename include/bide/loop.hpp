// SPDX-License-Identifier: BSL-1.0
//
// loop: runs tasks, timers and I/O on one thread.
//
// Most programs never name one: wait() and with_scope() use the calling thread's own, and loop_thread has one of its
// own. Make a loop yourself to run it inside another event loop (poll, next_deadline, descriptor), or to have several.
//
//     bide::loop l;
//     auto n = l.submit(fetch_size, url);     // from any thread
//     l.run();                                // until everything submitted has ended
//
// Thread rule: post, submit and stop may be called from any thread; run and poll by one thread at a time.
// Lifetime rule: a loop outlives its tasks. Its destructor asks them to stop and runs them to their end, on the
//   destroying thread.
// Order: ready tasks run in turns, first in, first out. A turn runs what was ready when it began, then due timers. Where
//   that was less than eight, it runs up to eight, with what they made ready; not in virtual time, nor in poll().
// Errors: submit after stop() throws not_running; use in the child of a fork() throws usage_error.
#pragma once

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
    /// A wish that can be refused: with io_driver::io_uring the loop's constructor throws std::system_error where the
    /// kernel or a container forbids it.
    io_driver driver = io_driver::automatic;
};

class loop final : public executor {
public:
    using clock = std::chrono::steady_clock;

    /// On the drivers of this thread's time (real, or that of a testing::virtual_time guard).
    loop() : loop(loop_options{}) {}
    explicit loop(loop_options options);
    ~loop() override;

    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return *this; }
    [[nodiscard]] const char* name() const noexcept override { return "loop"; }

    /// Hands f(args…) or an awaitable to this loop; from any thread. The future's stop() cancels it.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Runs until everything that was submitted has ended; returns at once when there is nothing.
    void run();

    /// Asks every task to stop and refuses new work from now on; from any thread. run() returns when all have ended.
    void stop();

    /// One turn, without sleeping: what is ready, due timers, I/O that is there. True: there is more to do at once.
    bool poll();
    /// When poll() has to be called at the latest although nothing happened; empty: never.
    [[nodiscard]] std::optional<clock::time_point> next_deadline();
    /// Readable when poll() should be called. Owned by the loop.
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
    void push_local(ready_node& node) noexcept {
        node.next = nullptr;
        if (last_ != nullptr)
            last_->next = &node;
        else
            first_ = &node;
        last_ = &node;
    }
    void take_inbox() noexcept;
    template <class Until>
    bool turn(unsigned least, const Until& until) noexcept;
    template <class Until>
    void run_while(const Until& unfinished) noexcept;
    void fire_timers() noexcept;
    void note_first_timer() noexcept;
    [[nodiscard]] clock::time_point find_first_timer() noexcept;
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
    ready_node* first_ = nullptr;
    ready_node* last_ = nullptr;
    detail::owned_ptr<detail::driver> driver_;
    const bool time_jumps_;  // as the driver says
    detail::spin_lock timers_lock_;
    detail::timer_queue timers_;
    std::atomic<std::int64_t> earliest_;  // no timer is before it: to look at without the lock
    detail::timer_coalescer coalescer_;   // of timers that are due close together
    detail::noted_edges noted_;           // waits to be looked at before the loop sleeps
    detail::stall_watch stall_;           // whether it sleeps for ever
    detail::short_spin spin_;             // before it sleeps,
    detail::short_spin early_spin_;       // and before a task parks that would let it sleep
    bool polled_ = false;                 // the turn is one of poll()'s
    unsigned turns_ = 0;
    unsigned looked_at_ = 0;                     // the turn in which, or before which, the driver was asked for I/O
    unsigned yields_ = 0;                        // in the present turn
    std::uint64_t turns_of_yields_ = 1;          // so many like it, and everybody has only yielded
    std::uint64_t idle_turns_ = 0;               // in a row, in which nobody did more
    bool host_may_sleep_ = false;                // poll() or next_deadline() has said that it may
    bool running_ = false;                       // on some native stack of the owning thread
    int process_ = 0;                            // the process that made it: fork() is noticed
    detail::submitted_work work_;                // what was submitted and has not ended
    std::uint32_t wakers_told_ = 0;              // pushers that had to wake it,
    std::atomic<std::uint32_t> wakers_done_{0};  // and those of them that are done with the loop
    std::atomic<detail::virtual_clock*> sleeping_for_{nullptr};  // whose time the present sleep does not hold up
};

}  // namespace v0
}  // namespace bide
