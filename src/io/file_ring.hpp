// SPDX-License-Identifier: BSL-1.0
//
// file_step: one operation of a file, completed inline from the system's cache or by the ring (io_uring) of the loop on
// which the task runs. The tasks of file.cpp and file_request.cpp await it.
//
// Rule W5: from on_prepare to on_report the kernel has the request and the task's memory, so the frame does not end
// in between.
//
// Thread rule: try_now() runs where the task runs. Where there is a ring, that is the loop's thread, which also does
// the rest; only on_stop runs on the thread that requests the stop.
#pragma once

#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>
#include <bide/detail/loop/uring/ring_entry.hpp>

#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

class ring;

/// The awaiter. A read from the system's cache completes inline. A step that is stopped before its hand-over never
/// happens. After the hand-over a stop request asks the kernel to end the request; the frame is resumed or unwound when
/// the kernel has reported the end, and a result that came all the same is delivered.
class file_step_leaf final : public leaf_awaiter<file_step_leaf>, ring_entry, stop_callback_link {
public:
    file_step_leaf(promise_base& p, const ring_request& r) noexcept;
    ~file_step_leaf() {
        if (ring_entry::listed_in == place::queued) [[unlikely]]
            take_out_of_ring();
        BIDE_ASSERT(W5, !ring_entry::with_kernel && ring_entry::listed_in == place::nowhere);
        BIDE_ASSERT(W5, !stop_callback_link::listed);  // on_report has withdrawn the registration
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
    bool claimed_ = false;  // handed over, and registered for stop requests
};

class file_step {
public:
    explicit file_step(const ring_request& r) noexcept : request_(r) {}
    /// Returns what the system call returns, or a negative errno; -EAGAIN also if the task's loop has no ring.
    [[nodiscard]] file_step_leaf native_awaiter(promise_base& p) const noexcept { return file_step_leaf(p, request_); }

private:
    ring_request request_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
