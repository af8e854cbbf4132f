// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/timer_heap.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

timer_node* timer_heap::meld(timer_node* a, timer_node* b) noexcept {
    if (a == nullptr) return b;
    if (b == nullptr) return a;
    if (before(*b, *a)) std::swap(a, b);
    b->prev = a;  // b becomes a's first child
    b->next = a->child;
    if (a->child != nullptr) a->child->prev = b;
    a->child = b;
    return a;
}

// Two passes, iterative: pairs from left to right onto a stack (linked by `prev`), then melded from the last.
timer_node* timer_heap::merge_pairs(timer_node* first) noexcept {
    timer_node* pairs = nullptr;
    while (first != nullptr) {
        timer_node* a = first;
        timer_node* b = a->next;
        first = b != nullptr ? b->next : nullptr;
        a->next = a->prev = nullptr;
        if (b != nullptr) b->next = b->prev = nullptr;
        timer_node* pair = meld(a, b);
        pair->prev = pairs;
        pairs = pair;
    }
    timer_node* root = nullptr;
    while (pairs != nullptr) {
        timer_node* pair = std::exchange(pairs, pairs->prev);
        pair->prev = nullptr;
        root = meld(root, pair);
    }
    return root;
}

void timer_heap::insert(timer_node& t) noexcept {
    t.child = t.next = t.prev = nullptr;
    t.order = armed_so_far_++;
    t.armed = true;
    root_ = meld(root_, &t);
}

void timer_heap::remove(timer_node& t) noexcept {
    t.armed = false;
    timer_node* orphans = merge_pairs(std::exchange(t.child, nullptr));
    if (root_ == &t) {
        root_ = orphans;
        return;
    }
    if (t.prev->child == &t)
        t.prev->child = t.next;
    else
        t.prev->next = t.next;
    if (t.next != nullptr) t.next->prev = t.prev;
    t.next = t.prev = nullptr;
    root_ = meld(root_, orphans);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
