// SPDX-License-Identifier: BSL-1.0
//
// file_step: one read, write or sync of a file, at once or by the ring of the loop on which the task runs.
#pragma once

#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>
#include <bide/detail/loop/uring/ring_entry.hpp>

#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

class ring;

/// The awaiter. A read of what is in the system's cache is over at once. Stopped before it was handed over, it never
/// happens. From then on the kernel has the task's memory: a stop asks it to end the request, and the task goes when
/// that is reported; what has happened by then is delivered.
class file_step_leaf final : public leaf_awaiter<file_step_leaf>, ring_entry, stop_callback_link {
public:
    file_step_leaf(promise_base& p, const ring_request& r) noexcept;
    ~file_step_leaf() {
        if (ring_entry::listed_in == place::queued) [[unlikely]]
            take_out_of_ring();
    }
    [[nodiscard]] bool try_now() noexcept;
    [[nodiscard]] bool park() noexcept;
    int await_resume() noexcept {
        leaf_awaiter::completed();
        return result_;
    }

private:
    static bool on_prepare(ring_entry* self, ring_request& r) noexcept;
    static void on_report(ring_entry* self, const ring_report& r) noexcept;
    static void on_stop(stop_callback_link* self) noexcept;
    [[nodiscard]] bool read_from_cache() noexcept;
    void take_out_of_ring() noexcept;

    ring_request request_;
    ring* ring_ = nullptr;
    int result_ = -EAGAIN;
    bool claimed_ = false;  // handed over; and a stop is told
};

class file_step {
public:
    explicit file_step(const ring_request& r) noexcept : request_(r) {}
    /// Gives what the system call gives, or a negative errno; -EAGAIN, too, where there is no ring.
    [[nodiscard]] file_step_leaf native_awaiter(promise_base& p) const noexcept { return file_step_leaf(p, request_); }

private:
    ring_request request_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
