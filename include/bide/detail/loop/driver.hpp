// SPDX-License-Identifier: BSL-1.0
//
// driver: how a loop waits for the outside. Nothing above the loop knows which one is below it.
//   system   sleeps on a futex until the first I/O; then in epoll, or in io_uring where the kernel allows it
//   virtual  tests: when nothing is ready, time jumps to the next timer
// I/O plugs in in two shapes. Readiness: the driver watches a descriptor and reports when an operation may be tried
// (fd_watcher; every driver of the system has it, also the one with io_uring). Completion: the kernel carries an
// operation out and reports its end (ring_entry.hpp; where ring() is null, the operation falls back to readiness).
#pragma once

#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/io_driver.hpp>

#include <cstdint>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

using time_point = std::chrono::steady_clock::time_point;

class fd_watcher;
class ring;

/// A descriptor that a loop watches, and the functions that the watcher calls. It calls ready() on the loop's thread,
/// outside all locks.
struct watched_fd {
    int fd;
    /// Reports the epoll events that arrived (edge-triggered: once per change). They are a hint: the descriptor may no
    /// longer be ready.
    void (*ready)(watched_fd* self, std::uint32_t events) noexcept;
    /// The watcher's last call, after which it does not touch the object: the function may delete it.
    void (*released)(watched_fd* self) noexcept;
    counted_ptr<fd_watcher> watcher;
    watched_fd* prev = nullptr;  // in the watcher's lists; its lock guards the links and `watched`
    watched_fd* next = nullptr;
    bool watched = false;

    watched_fd(int d, void (*on_ready)(watched_fd*, std::uint32_t) noexcept, void (*on_released)(watched_fd*) noexcept,
               counted_ptr<fd_watcher> w) noexcept
        : fd(d), ready(on_ready), released(on_released), watcher(std::move(w)) {}
    watched_fd(const watched_fd&) = delete;
    watched_fd& operator=(const watched_fd&) = delete;

protected:
    ~watched_fd() = default;
};

/// Watches descriptors for one loop. The loop and the watched descriptors share it, because either may end first: a
/// stream may outlive the loop on which it was made, and be closed on another thread while the loop reports it.
/// Every function may be called from any thread.
class fd_watcher : public counted {
public:
    fd_watcher() = default;
    virtual ~fd_watcher() = default;

    /// Watches w for reading and writing, and reports also what w is ready for now. Throws std::system_error.
    virtual void add(watched_fd& w) = 0;
    /// Reports what w is ready for once more.
    virtual void report_again(watched_fd& w) noexcept = 0;
    /// Takes w out, and calls released(): at once, or later on the loop's thread if the loop may be reporting now.
    /// Until then ready() may still be called. Does nothing if w is out already (the loop is gone).
    virtual void remove(watched_fd& w) noexcept = 0;
};

class driver {
public:
    driver() = default;
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    virtual ~driver() = default;

    [[nodiscard]] virtual time_point now() noexcept = 0;
    /// Sleeps until `until` (max(): for ever), wake(), or I/O, which it reports. May return early.
    virtual void park(time_point until) noexcept = 0;
    /// Sleeps for at most `real`, which is real time also in virtual_driver. Returns true if wake() was called.
    [[nodiscard]] virtual bool park_at_most(std::chrono::milliseconds real) noexcept = 0;
    /// Reports I/O that is there, without sleeping.
    virtual void poll() noexcept = 0;
    /// Ends the present park(), or else the next one; from any thread.
    virtual void wake() noexcept = 0;
    /// Returns true if the driver's time jumps when nothing is ready (virtual time).
    [[nodiscard]] virtual bool jumps() const noexcept { return false; }
    /// In virtual time a loop of which every ready task only yielded counts as idle: the loop calls this in place of
    /// park(), and time may jump to the first timer.
    virtual void only_yields(time_point) noexcept {}
    /// In virtual time: returns true if no job on another thread works for the test.
    [[nodiscard]] virtual bool no_jobs() noexcept { return false; }

    /// Returns this loop's watcher, and makes it at the first call; from any thread. Throws std::system_error, and
    /// std::logic_error in virtual time.
    [[nodiscard]] virtual const counted_ptr<fd_watcher>& watcher() = 0;
    /// Returns the ring for completion-shaped I/O, and makes it at the first call, on the loop's thread. Returns null
    /// where there is none.
    [[nodiscard]] virtual class ring* ring() noexcept { return nullptr; }
    /// Makes the ring now. Throws std::system_error where the kernel or a container refuses it.
    virtual void demand_ring() {}
    /// Ends the ring with what it has under way. The thread to which the loop is bound calls it before that thread
    /// ends.
    virtual void end_ring() noexcept {}
    /// Returns a descriptor that becomes readable when the loop has something to do (embedding).
    [[nodiscard]] virtual int descriptor() = 0;
    [[nodiscard]] virtual bool watches_anything() const noexcept = 0;
    /// Returns true if a loop that this thread made now would have the same clock.
    [[nodiscard]] bool current() const noexcept { return clock == tls().clock; }

    // Members and no virtual functions, because the loop reads them in each turn. On the loop's thread.
    class ring* ring_made = nullptr;  // the ring, once ring() has made it
    bool unsent = false;              // the ring has queued entries that the kernel does not have
    bool running = false;             // the loop is being run
    bool thread_bound = false;        // one thread alone runs the loop; set before the ring is made

protected:
    const virtual_clock* clock = nullptr;  // the clock of a virtual driver, which owns it; null: real time
};

/// Makes the driver for a new loop of this thread. Throws std::system_error where io_uring is wanted and refused.
[[nodiscard]] owned_ptr<driver> make_default_driver(io_driver wanted);
/// Translates the words of BIDE_DRIVER. Throws usage_error for others.
[[nodiscard]] io_driver parse_driver(const char* text);
/// Returns what BIDE_DRIVER says, which is read once.
[[nodiscard]] io_driver driver_of_environment();

}  // namespace detail
}  // namespace v0
}  // namespace bide
