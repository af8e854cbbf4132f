// SPDX-License-Identifier: BSL-1.0
//
// driver: how a loop waits for the outside. Nothing above the loop knows which one is below it.
//   system   sleeps on a futex until the first I/O; then in epoll, or in io_uring where the kernel allows it
//   virtual  tests: when nothing is ready, time jumps to the next timer
// I/O plugs in in two shapes. Readiness: a descriptor is watched, its user tries when told (fd_watcher; every driver of
// the system has it, also the one with io_uring). Completion: the kernel carries an operation out and reports its end
// (ring_entry.hpp; where ring() is null, the user falls back to readiness).
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

/// A descriptor that a loop watches, and who is told. It is told on the loop's thread, outside all locks.
struct watched_fd {
    int fd;
    /// The epoll events that arrived (edge-triggered: once per change). A hint: what they say may be over already.
    void (*ready)(watched_fd* self, std::uint32_t events) noexcept;
    /// The watcher has let go of it: ready() is not called any more. The last call; it may delete the object.
    void (*released)(watched_fd* self) noexcept;
    counted_ptr<fd_watcher> watcher;
    watched_fd* prev = nullptr;  // the watcher's lists, under its lock
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

/// What watches descriptors for one loop. It is shared with what it watches, because either may end first: a stream may
/// outlive the loop on which it was made, and be closed on another thread while the loop reports it.
/// Every function may be called from any thread.
class fd_watcher : public counted {
public:
    fd_watcher() = default;
    virtual ~fd_watcher() = default;

    /// Watches w for reading and writing; what it is ready for now is reported too. Throws std::system_error.
    virtual void add(watched_fd& w) = 0;
    /// Reports what w is ready for once more.
    virtual void report_again(watched_fd& w) noexcept = 0;
    /// Takes w out, and releases it: at once, or later on the loop's thread if the loop may be reporting now. Until
    /// then ready() may still be called. Nothing if w is out already (the loop is gone).
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
    /// The same with nothing to wait for that is known, for that long of real time. False: nobody woke it.
    [[nodiscard]] virtual bool park_at_most(std::chrono::milliseconds real) noexcept = 0;
    /// Reports I/O that is there, without sleeping.
    virtual void poll() noexcept = 0;
    /// Ends a present or the next park(); from any thread.
    virtual void wake() noexcept = 0;
    /// Time jumps when nothing is ready; every ready task having only yielded is as good as idle then, and is told
    /// below.
    [[nodiscard]] virtual bool jumps() const noexcept { return false; }
    virtual void only_yields(time_point) noexcept {}
    /// Where time jumps: no job on another thread works for the test.
    [[nodiscard]] virtual bool no_jobs() noexcept { return false; }

    /// What watches descriptors for this loop, made at the first call; from any thread. Throws std::system_error, and
    /// std::logic_error where there is no real time.
    [[nodiscard]] virtual const counted_ptr<fd_watcher>& watcher() = 0;
    /// Completion-shaped I/O, made at the first call, on the loop's thread; null: there is none.
    [[nodiscard]] virtual class ring* ring() noexcept { return nullptr; }
    /// Makes it now. Throws std::system_error where it cannot be had.
    virtual void demand_ring() {}
    /// Ends what it has under way; on the thread to which the loop is bound, before that ends.
    virtual void end_ring() noexcept {}
    /// A descriptor that becomes readable when the loop has something to do (embedding).
    [[nodiscard]] virtual int descriptor() = 0;
    [[nodiscard]] virtual bool watches_anything() const noexcept = 0;
    /// A loop made now on this thread would get the same kind of driver (with the same clock).
    [[nodiscard]] bool current() const noexcept { return clock == tls().clock; }

    // Looked at by the loop in each turn, so not virtual. On the loop's thread.
    class ring* ring_made = nullptr;  // what ring() gives, if it has been made
    bool unsent = false;              // something was queued in it, and not handed over
    bool running = false;             // the loop is being run
    bool thread_bound = false;        // only one thread will ever run the loop; before the ring is made

protected:
    const virtual_clock* clock = nullptr;  // whose time it keeps, as its owner; null: real time
};

/// The driver for a new loop of this thread. Throws std::system_error where io_uring is wanted and cannot be had.
[[nodiscard]] owned_ptr<driver> make_default_driver(io_driver wanted);
/// The words of BIDE_DRIVER; usage_error for others. And what the environment says, read once.
[[nodiscard]] io_driver parse_driver(const char* text);
[[nodiscard]] io_driver driver_of_environment();

}  // namespace detail
}  // namespace v0
}  // namespace bide
