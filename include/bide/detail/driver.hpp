// SPDX-License-Identifier: BSL-1.0
//
// driver: how a loop waits for the outside. Nothing above the loop knows which one is below it.
//   epoll    sleeps on a futex until the first descriptor is watched, then in epoll_wait with an eventfd to be woken
//   virtual  tests: when nothing is ready, time jumps to the next timer
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace bide {
inline namespace v0 {
namespace detail {

using time_point = std::chrono::steady_clock::time_point;

/// A descriptor that the driver watches. The owner keeps it alive until unwatch().
struct watched_fd {
    int fd = -1;
    /// Called on the loop's thread, outside all locks: the epoll events that arrived (edge-triggered).
    void (*ready)(watched_fd* self, std::uint32_t events) noexcept = nullptr;
};

class driver {
public:
    driver() = default;
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    virtual ~driver() = default;

    [[nodiscard]] virtual time_point now() noexcept = 0;
    /// Sleeps until `until` (max(): for ever), wake(), or I/O, which it reports. `outside`: work that was handed to
    /// other threads is pending and will wake the loop. May return early.
    virtual void park(time_point until, bool outside) noexcept = 0;
    /// Reports I/O that is there, without sleeping.
    virtual void poll() noexcept = 0;
    /// Ends a present or the next park(); from any thread.
    virtual void wake() noexcept = 0;
    /// Every ready task only yielded (virtual time: as good as idle).
    virtual void only_yields(time_point) noexcept {}

    /// Watches a descriptor for reading and writing, edge-triggered; throws std::system_error. On the loop's thread or
    /// any other.
    virtual void watch(watched_fd& w) = 0;
    /// After it returns, ready() is not called any more. On the loop's thread, or while the loop is not run.
    virtual void unwatch(watched_fd& w) noexcept = 0;
    /// A descriptor that becomes readable when the loop has something to do (embedding).
    [[nodiscard]] virtual int descriptor() = 0;
    [[nodiscard]] virtual bool watches_anything() const noexcept = 0;
    /// A loop made now on this thread would get the same kind of driver (with the same clock).
    [[nodiscard]] virtual bool current() const noexcept = 0;
};

[[nodiscard]] std::unique_ptr<driver> make_epoll_driver();

/// A clock that stands still until everybody sleeps. Shared by the virtual drivers of one test.
class virtual_clock {
public:
    [[nodiscard]] time_point now() const noexcept { return now_; }
    void advance_to(time_point t) noexcept {
        if (t > now_) now_ = t;
    }

private:
    time_point now_{std::chrono::hours(1)}; // not the epoch: differences must not hide behind zero
};
[[nodiscard]] std::unique_ptr<driver> make_virtual_driver(std::shared_ptr<virtual_clock> clock);

/// The clock for loops that are made on this thread from now on; null: real time. Returns the former one.
std::shared_ptr<virtual_clock> use_clock(std::shared_ptr<virtual_clock> clock) noexcept;
/// The driver for a new loop of this thread.
[[nodiscard]] std::unique_ptr<driver> make_default_driver();

} // namespace detail
} // namespace v0
} // namespace bide
