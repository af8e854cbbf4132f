// SPDX-License-Identifier: BSL-1.0
//
// The timers of a loop: an intrusive pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986). Arming is constant,
// firing and taking out are logarithmic amortised, nothing is allocated. Equal times fire in the order of arming.
#pragma once

#include <bide/detail/std_parts.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

struct timer_node {
    std::chrono::steady_clock::time_point at{};
    std::uint64_t order = 0;
    timer_node* child = nullptr;  // first child
    timer_node* next = nullptr;   // next sibling
    timer_node* prev = nullptr;   // previous sibling, or the parent for a first child
    bool armed = false;
    void (*fire)(timer_node* self) noexcept = nullptr;  // called under the loop's timer lock, already taken out
};

class timer_heap {
public:
    timer_heap() = default;
    timer_heap(const timer_heap&) = delete;
    timer_heap& operator=(const timer_heap&) = delete;

    [[nodiscard]] timer_node* first() const noexcept { return root_; }
    void insert(timer_node& t) noexcept;
    void remove(timer_node& t) noexcept;

private:
    static bool before(const timer_node& a, const timer_node& b) noexcept {
        return a.at != b.at ? a.at < b.at : a.order < b.order;
    }
    static timer_node* meld(timer_node* a, timer_node* b) noexcept;
    static timer_node* merge_pairs(timer_node* first) noexcept;

    timer_node* root_ = nullptr;
    std::uint64_t armed_so_far_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
