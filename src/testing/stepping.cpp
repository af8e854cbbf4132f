// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/future/future_state.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/testing/sweep.hpp>

#include <stdexcept>
#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

stepping::stepping(loop& base, std::size_t point) noexcept
    : executor(&base), base_(base), point_(point), asks_(*this) {}

void stepping::post(ready_node& node) noexcept {
    // relaxed: which thread's post is which does not matter, as long as each has a number of its own.
    const std::size_t nth = posted_.fetch_add(1, std::memory_order_relaxed) + 1;
    const bool before = 2 * nth - 1 == point_;
    const bool after = 2 * nth == point_;
    // relaxed: whoever runs `node`, which is posted below, sees it; so finish() does when that was the last one.
    if (before || after) due_.store(true, std::memory_order_relaxed);
    if (before) base_.post(asks_);
    base_.post(node);
    // When `node` was the last one, *this is gone, unless finish() waits for what is due.
    if (after) base_.post(asks_);
}

void stepping::asking::ask(call_node* self) noexcept {
    stepping& s = static_cast<asking*>(self)->owner;
    s.producer_->stop_producer(stop_reason::user);
    s.asked_.store(true, std::memory_order_relaxed);  // relaxed: read by the thread that runs this
}

void stepping::finish() noexcept {
    if (due_.load(std::memory_order_relaxed)) loop_access::run_until_set(base_, asked_);
}

std::size_t stepping::points() const noexcept { return 2 * posted_.load(std::memory_order_relaxed); }
bool stepping::stopped() const noexcept { return asked_.load(std::memory_order_relaxed); }

void throw_sweep_failed(std::size_t point, std::size_t points, const std::exception_ptr& failed) {
    const std::string run = point == 0 ? std::string("not stopped")
                                       : "stopped at point " + std::to_string(point) + " of " + std::to_string(points);
    if (!failed) throw std::runtime_error("sweep_cancellation: " + run + ", the scenario ended cancelled");
    try {
        std::rethrow_exception(failed);
    } catch (...) {
        std::throw_with_nested(
            std::runtime_error("sweep_cancellation: " + run + ", the scenario failed: " + describe(failed)));
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
