// SPDX-License-Identifier: BSL-1.0
//
// A timer, and an intrusive pairing heap of timers (Fredman, Sedgewick, Sleator, Tarjan 1986): arming is constant,
// firing and taking out are logarithmic amortised, nothing is allocated. Equal times come in the order of arming.
// The heap has a loop's next timers; timer_queue.hpp has those further ahead.
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

/// Members without an initial value are written when the timer is armed: timers lie in frames, and many are never
/// armed.
struct timer_node {
    std::chrono::steady_clock::time_point due;
    std::uint64_t order;                            // the number of this arming in the queue
    timer_node* prev = nullptr;                     // previous sibling; of a first child its parent; of the root itself
    timer_node* next;                               // next sibling
    timer_node* child;                              // first child
    void (*const fire)(timer_node* self) noexcept;  // the loop calls it with its timers_lock_ held, after taking it out

    explicit timer_node(void (*f)(timer_node*) noexcept) noexcept : fire(f) {}  // NOLINT(*-member-init)
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;

    [[nodiscard]] bool armed() const noexcept { return prev != nullptr; }
};

class timer_heap {
public:
    timer_heap() = default;
    timer_heap(const timer_heap&) = delete;
    timer_heap& operator=(const timer_heap&) = delete;

    [[nodiscard]] timer_node* first() const noexcept { return root_; }
    void insert(timer_node& t) noexcept;
    void remove(timer_node& t) noexcept;
    /// Takes every timer out, and returns them as a list by `next`, in no order.
    [[nodiscard]] timer_node* take_all() noexcept;

private:
    static bool before(const timer_node& a, const timer_node& b) noexcept {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    }
    static timer_node* meld(timer_node* a, timer_node* b) noexcept;
    static timer_node* merge_pairs(timer_node* first) noexcept;
    void set_root(timer_node* t) noexcept;

    timer_node* root_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
