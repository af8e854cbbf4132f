// SPDX-License-Identifier: BSL-1.0
//
// The executor of a sweep, and the error that a failed run becomes.
//
// post() runs on any thread that posts a task of the scenario. ask() runs on the thread of the loop, as a ready node.
// The rest runs on the thread of sweep_cancellation.
#include <bide/detail/base/rules.hpp>
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
    // relaxed: each post needs a number of its own, in no particular order among threads.
    const std::size_t nth = posted_.fetch_add(1, std::memory_order_relaxed) + 1;
    const bool before = 2 * nth - 1 == point_;
    const bool after = 2 * nth == point_;
    // relaxed: the loop's thread, which runs `node`, sees it because the post below releases; so finish() sees it after
    // the last node.
    if (before || after) due_.store(true, std::memory_order_relaxed);
    if (before) base_.post(asks_);
    base_.post(node);
    // If `node` was the last one, the sweep may end before this post: finish() waits until a node that is due has run.
    if (after) base_.post(asks_);
}

void stepping::asking::ask(call_node* self) noexcept {
    stepping& s = static_cast<asking*>(self)->owner;
    BIDE_ASSERT(W7, s.producer_ != nullptr && s.due_.load(std::memory_order_relaxed));
    s.producer_->stop_producer(stop_reason::user);
    s.asked_.store(true, std::memory_order_relaxed);  // relaxed: the same thread reads it
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
