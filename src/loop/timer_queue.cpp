// SPDX-License-Identifier: BSL-1.0
//
// The timing wheel of a loop's further timers, and the heap of its next ones. loop and loop_access call it with the
// loop's timers_lock_ held, on any thread.
#include <bide/detail/loop/timer_queue.hpp>

#include <algorithm>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

void timer_queue::put_near(timer_node& t) noexcept {
    near_.insert(t);
    ++near_count_;
}

void timer_queue::put_far(timer_node& t, key k) noexcept {
    const unsigned level = level_of(k ^ base_);
    t.prev = t.next = &t;
    append(&t, level, digit_of(k, level));
}

// Puts a circular list behind the timers of the slot.
void timer_queue::append(timer_node* chain, unsigned level, unsigned digit) noexcept {
    timer_node*& first = slot_[level][digit];
    if (first == nullptr) {
        first = chain;
        used_[level] |= std::uint32_t{1} << digit;
        used_levels_ |= 1U << level;
        return;
    }
    timer_node* const last = first->prev;
    timer_node* const end = chain->prev;
    last->next = chain;
    chain->prev = last;
    end->next = first;
    first->prev = end;
}

timer_node* timer_queue::take_slot(unsigned level, unsigned digit) noexcept {
    used_[level] &= ~(std::uint32_t{1} << digit);
    if (used_[level] == 0) used_levels_ &= ~(1U << level);
    return std::exchange(slot_[level][digit], nullptr);
}

void timer_queue::insert(timer_node& t) noexcept {
    const key k = key_of(t.due);
    t.order = armed_so_far_++;
    if (k > last_near_) {
        put_far(t, k);
        ++far_count_;
        return;
    }
    put_near(t);
    // Where all have the same time, none would leave the heap.
    if (near_count_ >= many && near_count_ >= far_count_ && key_of(near_.first()->due) != last_near_)
        redistribute_near();
}

void timer_queue::remove(timer_node& t) noexcept {
    const key k = key_of(t.due);
    if (k <= last_near_) {
        near_.remove(t);
        --near_count_;
        return;
    }
    --far_count_;
    timer_node* const after = std::exchange(t.next, nullptr);
    timer_node* const before = std::exchange(t.prev, nullptr);
    const unsigned level = level_of(k ^ base_);
    const unsigned digit = digit_of(k, level);
    if (after == &t) {
        static_cast<void>(take_slot(level, digit));
        return;
    }
    before->next = after;
    after->prev = before;
    if (slot_[level][digit] == &t) slot_[level][digit] = after;
}

// Called while near_ is empty: moves the first timers there. The base rises to the beginning of the first slot, or to
// the first time in it, where the round before has found that.
void timer_queue::fill() noexcept {
    for (key from = 0; far_count_ != 0 && near_count_ == 0;) {
        const auto level = static_cast<unsigned>(__builtin_ctz(used_levels_));
        const auto digit = static_cast<unsigned>(__builtin_ctz(used_[level]));
        timer_node* t = take_slot(level, digit);
        // The levels below are empty, so the base may be anywhere in the slot's range, and every far timer stays in its
        // right slot.
        const key span = below(level);
        const key start = (base_ & ~((span << digit_bits) | (slots - 1))) | (key{digit} << (level * digit_bits));
        base_ = std::max(from, start);
        t->prev->next = nullptr;  // opens the circle: from here on a list by next
        std::size_t count = 0;
        key last = base_;
        for (const timer_node* n = t; n != nullptr && count <= few; n = n->next, ++count)
            last = std::max(last, key_of(n->due));
        last_near_ = count <= few ? last : base_;
        from = redistribute(t);
    }
}

// Puts each timer of a list, which counts as far, where base_ and last_near_ now say. Returns the first key that stays
// far; the greatest possible key if none does.
timer_queue::key timer_queue::redistribute(timer_node* t) noexcept {
    key first_far = ~key{0};
    while (t != nullptr) {
        timer_node& n = *std::exchange(t, t->next);
        const key k = key_of(n.due);
        if (k <= last_near_) {
            put_near(n);
            --far_count_;
        } else {
            put_far(n, k);
            first_far = std::min(first_far, k);
        }
    }
    return first_far;
}

// Moves every timer from the heap to the wheel, but the first and those of the same time.
void timer_queue::redistribute_near() noexcept {
    const key first = key_of(near_.first()->due);
    if (first < base_) lower_base(first);
    last_near_ = first;
    far_count_ += std::exchange(near_count_, 0);
    static_cast<void>(redistribute(near_.take_all()));
}

// The new base differs from the old one first in the digit of `level`. The timers of all levels below agree with the
// old base in that digit and the higher ones: by the new base they belong to one slot of `level`.
void timer_queue::lower_base(key to) noexcept {
    const unsigned level = level_of(base_ ^ to);
    const unsigned digit = digit_of(base_, level);
    while (used_levels_ != 0) {
        const auto lower = static_cast<unsigned>(__builtin_ctz(used_levels_));
        if (lower >= level) break;
        append(take_slot(lower, static_cast<unsigned>(__builtin_ctz(used_[lower]))), level, digit);
    }
    base_ = to;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
