// SPDX-License-Identifier: BSL-1.0
//
// The pairing heap of a loop's next timers. timer_queue calls it, with the loop's timers_lock_ held, on any thread.
#include <bide/detail/loop/timer_heap.hpp>

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

void timer_heap::set_root(timer_node* t) noexcept {
    root_ = t;
    if (t != nullptr) t->prev = t;  // it is armed
}

void timer_heap::insert(timer_node& t) noexcept {
    t.child = t.next = nullptr;
    set_root(meld(root_, &t));
}

void timer_heap::remove(timer_node& t) noexcept {
    timer_node* orphans = merge_pairs(std::exchange(t.child, nullptr));
    timer_node* const before = std::exchange(t.prev, nullptr);
    timer_node* const after = std::exchange(t.next, nullptr);
    if (root_ == &t) return set_root(orphans);
    if (before->child == &t)
        before->child = after;
    else
        before->next = after;
    if (after != nullptr) after->prev = before;
    set_root(meld(root_, orphans));
}

timer_node* timer_heap::take_all() noexcept {
    timer_node* const all = std::exchange(root_, nullptr);
    // What follows `last` was not looked at for children yet; a node's children come behind everything.
    timer_node* last = all;
    for (timer_node* t = all; t != nullptr; t = t->next) {
        last->next = std::exchange(t->child, nullptr);
        while (last->next != nullptr) last = last->next;
    }
    return all;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
