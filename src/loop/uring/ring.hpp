// SPDX-License-Identifier: BSL-1.0
//
// ring: the io_uring of a loop, made at its first completion-shaped I/O. What was queued is handed over in one batch
// per turn; what has ended is reported.
//
// Who may touch it: the thread that owns it. That is the thread that runs the loop, for as long as it does; or, while
// nobody runs the loop, another one that has to end something at once (ownership). A *bound* ring belongs to one thread
// for ever, and the kernel is told so (SINGLE_ISSUER, DEFER_TASKRUN: completions are worked off when that thread asks,
// and at no other time); the loops of wait() and of loop_thread have one. Nobody else can end what such a ring has
// under way while its loop does not run, so before it stops running, what nobody waits for (what is *resting*) is
// ended. The kernel holds no memory of the user's for a socket: data arrives in the ring's own buffers, and sends do
// not wait. So a stopped task goes at once, and a buffer may go with it. A file is read into and written out of the
// user's memory: its task goes when the kernel has reported the end, which a stop asks for (io/file_ring.cpp).
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

    /// Throws std::system_error where the kernel, or who guards it, does not allow it.
    ring(driver& of, bool bound);
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    /// Ends everything that is under way, and reports it.
    ~ring();

    [[nodiscard]] int descriptor() const noexcept;
    /// Made before a fork(), and this is the child: it must not touch it.
    [[nodiscard]] bool inherited() const noexcept;
    /// Bound to another thread.
    [[nodiscard]] bool foreign() const noexcept;
    /// Returns true if the calling thread owns the ring: for asserts.
    [[nodiscard]] bool owned_here() const noexcept;
    /// Entries that are queued, or of which a last report is due.
    [[nodiscard]] long pending() const noexcept { return queued_ + under_way_; }

    /// For a run of the loop: acquires the ring, waiting while another thread owns it for a moment; and releases it.
    void acquire() noexcept;
    void release() noexcept;
    /// While it lives, this thread owns the ring, if it could acquire it.
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

    // For the thread that owns it.
    void queue(ring_entry& e) noexcept;
    void rest(ring_entry& e) noexcept;
    /// Takes it out of the list in which it is.
    void take_out(ring_entry& e) noexcept;
    /// Asks the kernel to end it, which is reported later. It is not queued.
    void cancel(const ring_entry& e) noexcept { cancel(reinterpret_cast<std::uintptr_t>(&e), 0); }
    /// Ends it, and reports the end before it returns.
    void end_now(ring_entry& e) noexcept;
    /// Hands over what is queued and reports what has ended.
    void poll() noexcept { turn(false, time_point::min()); }
    /// The same; and when nothing has ended, waits until something does, or the time has come.
    void wait(time_point until) noexcept { turn(true, until); }
    [[nodiscard]] bool bound() const noexcept { return owner_ != nullptr; }
    /// Ends what is resting: before the loop of a bound ring stops running, and before any loop stands still.
    void end_resting() noexcept;

    /// From any thread: e, if the kernel has it, is to be ended by whoever runs the loop. It is reported later.
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
    const void* const owner_;  // the thread, when it is bound
    std::atomic<const void*> user_{nullptr};
    std::unique_ptr<uring_queues> queues_;
    std::unique_ptr<ring_buffers> buffers_;
    ring_list queue_;
    ring_list resting_;
    long queued_ = 0;
    long under_way_ = 0;       // entries of which a last report is due
    bool made_ready_ = false;  // perhaps: something was told of its end, or not wanted
    const int process_;

    static constexpr unsigned few = 8;
    spin_lock asked_lock_;
    std::atomic<unsigned> asked_count_{0};  // written with the lock held, read without
    // Entries that ask_to_end() names. Where there are more, everything is ended, and begun again where it is wanted.
    std::uintptr_t asked_[few] BIDE_GUARDED_BY(asked_lock_) = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
