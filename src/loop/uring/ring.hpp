// SPDX-License-Identifier: BSL-1.0
//
// ring: the io_uring of a loop, made at its first completion-shaped I/O. In each turn the ring hands the queued entries
// over in one batch, and reports what has ended.
//
// Thread rule: only the thread that owns the ring touches it. That is the thread that runs the loop, as long as it runs
// it; or, while no thread runs the loop, a thread that has to end an entry at once (ownership). A *bound* ring belongs
// to one thread for ever, and the kernel knows it (SINGLE_ISSUER, DEFER_TASKRUN: it completes entries when that thread
// asks, and at no other time); the loops of wait() and of loop_thread have one. No other thread can end what a bound
// ring has under way while its loop does not run. So before the loop stops running, the ring ends the entries for which
// no task waits (*resting* entries).
//
// The kernel holds no memory of the user's for a socket: data arrives in the ring's own buffers, and sends do not wait.
// So a stopped task unwinds at once, and its buffer may go with it. A file is read into and written out of the user's
// memory: its task unwinds when the kernel has reported the end, which a stop asks for (io/file_ring.cpp).
#pragma once

#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/loop/uring/ring_entry.hpp>
#include <bide/hooks.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

struct io_uring_cqe;
struct io_uring_sqe;

namespace bide {
inline namespace v0 {
namespace detail {

class driver;
class ring_buffers;
struct uring_queues;

class ring {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Throws std::system_error where the kernel, or a filter of system calls, refuses io_uring.
    ring(driver& of, bool bound);
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    /// Ends everything that is under way, and reports it.
    ~ring();

    [[nodiscard]] int descriptor() const noexcept;
    /// Returns true in the child of a fork() if the parent made the ring: the child must not touch it.
    [[nodiscard]] bool inherited() const noexcept;
    /// Returns true if the ring is bound to another thread.
    [[nodiscard]] bool foreign() const noexcept;
    /// Returns true if the calling thread owns the ring: for asserts.
    [[nodiscard]] bool owned_here() const noexcept;
    /// Returns the number of entries that are queued, or whose last report is due.
    [[nodiscard]] long pending() const noexcept { return queued_ + under_way_; }

    /// For a run of the loop. acquire() spins while another thread owns the ring for a moment.
    void acquire() noexcept;
    void release() noexcept;
    /// While it lives and converts to true, this thread owns the ring.
    class ownership {
    public:
        explicit ownership(ring& r) noexcept : ring_(r), state_(r.try_acquire()) {}
        ownership(const ownership&) = delete;
        ownership& operator=(const ownership&) = delete;
        ~ownership() {
            if (state_ == taken::now) ring_.release();
        }
        explicit operator bool() const noexcept { return state_ != taken::no; }

    private:
        friend class ring;
        enum class taken : std::uint8_t { no, before, now };
        ring& ring_;
        taken state_;
    };

    // For the thread that owns the ring.
    void queue(ring_entry& e) noexcept;
    void rest(ring_entry& e) noexcept;
    /// Takes the entry out of the list in which it is, if it is in one.
    void take_out(ring_entry& e) noexcept;
    /// Asks the kernel to end an entry that is not queued. The end is reported later.
    void cancel(const ring_entry& e) noexcept { cancel(reinterpret_cast<std::uintptr_t>(&e), 0); }
    /// Ends the entry, and reports the end before it returns.
    void end_now(ring_entry& e) noexcept;
    /// Hands the queued entries over and reports what has ended.
    void poll() noexcept { turn(false, time_point::min()); }
    /// Does the same, and where nothing has ended waits until an entry ends, or until the time has come.
    void wait(time_point until) noexcept { turn(true, until); }
    [[nodiscard]] bool bound() const noexcept { return owner_ != nullptr; }
    /// Ends the resting entries. Called before the loop of a bound ring stops running, and before the loop's thread
    /// blocks.
    void end_resting() noexcept;

    /// From any thread: has the thread that owns the ring end the entry, if the kernel has it. The end is reported
    /// later.
    void ask_to_end(const ring_entry& e) noexcept BIDE_EXCLUDES(asked_lock_);

private:
    [[nodiscard]] ownership::taken try_acquire() noexcept;
    /// Returns true unless another thread owns the ring now (R1).
    [[nodiscard]] bool not_another_threads() const noexcept;
    void turn(bool may_wait, time_point until) noexcept;
    void fill() noexcept;
    void hand_over(ring_entry& e) noexcept;
    void end_what_was_asked_for() noexcept BIDE_EXCLUDES(asked_lock_);
    void end_everything() noexcept;
    [[nodiscard]] io_uring_sqe& request() noexcept;
    void cancel(std::uint64_t what, unsigned flags) noexcept;
    void report_all() noexcept;
    void report(const io_uring_cqe& c) noexcept;

    driver& driver_;
    const void* const owner_;                 // the thread to which the ring is bound, or null
    std::atomic<const void*> user_{nullptr};  // the thread that owns the ring now, or null
    std::unique_ptr<uring_queues> queues_;
    std::unique_ptr<ring_buffers> buffers_;
    ring_list queue_;
    ring_list resting_;
    long queued_ = 0;
    long under_way_ = 0;       // entries whose last report is due
    bool made_ready_ = false;  // in this turn a task may have become ready: an entry was reported, or not wanted
    const int process_;

    static constexpr unsigned few = 8;
    spin_lock asked_lock_;
    std::atomic<unsigned> asked_count_{0};  // written with the lock held, read without
    // Entries that ask_to_end() named. Where there were more, the ring ends every entry, and the operations that go on
    // begin theirs again.
    std::uintptr_t asked_[few] BIDE_GUARDED_BY(asked_lock_) = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
