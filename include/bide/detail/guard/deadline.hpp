// SPDX-License-Identifier: BSL-1.0
//
// The guard behind with_timeout, with_deadline and the limit of a cleanup.
//
// The carrier loop's thread fires the timer under its timer lock, where nothing of the user's may run. So on_time()
// only posts the guard's node, and on_posted() asks the operation to stop. If the operation ends while the node is in
// the queue, the node completes the guard.
#pragma once

#include <bide/detail/base/duration.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/detail/loop/timer_heap.hpp>
#include <bide/error.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

class deadline_guard : public guard, private timer_node, private call_node {
public:
    using parameters = time_limit;

protected:
    explicit deadline_guard(time_limit limit, bool shielded = false) noexcept;
    ~deadline_guard() = default;

    void enter(context& outer) noexcept override;
    [[nodiscard]] bool leave(bool in_line) noexcept override;
    void ended_without_value() noexcept override;
    /// Returns true if this guard has asked the operation to stop.
    [[nodiscard]] bool expired() const noexcept { return expired_; }
    [[noreturn]] void throw_stopped() const;

private:
    [[nodiscard]] bool disarm(bool in_line) noexcept;
    static void on_time(timer_node* self) noexcept;
    static void on_posted(call_node* self) noexcept;

    time_limit limit_;
    loop* carrier_ = nullptr;  // where a timer was armed
    bool shielded_;
    bool expired_ = false;
    // The next two are read and written under loop_access::timers_lock(*carrier_).
    bool posted_ = false;   // the node is in the carrier's queue
    bool waiting_ = false;  // the operation has ended meanwhile: the node calls finish()
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
