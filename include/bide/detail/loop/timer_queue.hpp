// SPDX-License-Identifier: BSL-1.0
//
// The timers of a loop, in the order of their times, equal ones in that of arming.
//
// The next few are in a pairing heap (timer_heap.hpp). Those further ahead lie unsorted in the slots of a hierarchical
// timing wheel (Varghese and Lauck 1987), which is also a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990): the highest
// digit, of five bits, in which a time differs from the wheel's base says in which of the levels it lies, and the digit
// in which slot. When the heap has run empty, the queue redistributes the first slot to the levels below it, again and
// again, until the first slot has so few timers that they go to the heap. So times are exact, there is no tick, and
// nothing is allocated.
//
// Costs. Arming and taking out are constant beyond the heap's last time. A timer that fires was moved a few times
// before (twice or three times with a million timers over seconds; thirteen times at most), always with its neighbours,
// in place of the heap's log n steps to memory that is far away. TRAP: a timer that is armed before the heap's last
// time goes to the heap, however late that time is (a lone timer at an hour, and then a million before it). So a heap
// that has become large, and no smaller than the wheel, is redistributed; as that many timers were armed since, arming
// stays constant amortised. At worst every timer is in the heap: then firing and taking out are logarithmic amortised.
#pragma once

#include <bide/detail/loop/timer_heap.hpp>

#include <cstddef>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

class timer_queue {
public:
    using time_point = std::chrono::steady_clock::time_point;

    timer_queue() = default;
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;

    [[nodiscard]] bool empty() const noexcept { return near_count_ + far_count_ == 0; }
    /// Called before the first timer is inserted into an empty queue. `now` need not be exact: timers before it go to
    /// the heap, others to the wheel.
    void begin(time_point now) noexcept { last_near_ = base_ = key_of(now); }
    /// Returns the first timer, or null.
    [[nodiscard]] timer_node* first() noexcept {
        if (near_count_ == 0) fill();
        return near_.first();
    }
    void insert(timer_node& t) noexcept;
    void remove(timer_node& t) noexcept;

private:
    using key = std::uint64_t;  // a time, mapped to an unsigned number of the same order
    static constexpr unsigned digit_bits = 5;
    static constexpr unsigned slots = 1U << digit_bits;
    static constexpr unsigned levels = (64 + digit_bits - 1) / digit_bits;
    static constexpr std::size_t few = 16;    // a slot of at most so many timers goes to the heap as a whole
    static constexpr std::size_t many = 256;  // a heap of so many timers may be redistributed

    static key key_of(time_point at) noexcept {
        return static_cast<key>(at.time_since_epoch().count()) ^ (key{1} << 63U);
    }
    static unsigned level_of(key differing) noexcept {
        return (63U - static_cast<unsigned>(__builtin_clzll(differing))) / digit_bits;
    }
    static unsigned digit_of(key k, unsigned level) noexcept {
        return static_cast<unsigned>(k >> (level * digit_bits)) % slots;
    }
    static key below(unsigned level) noexcept { return (key{1} << (level * digit_bits)) - 1; }  // the lower digits

    void put_near(timer_node& t) noexcept;
    void put_far(timer_node& t, key k) noexcept;
    void append(timer_node* chain, unsigned level, unsigned digit) noexcept;
    [[nodiscard]] timer_node* take_slot(unsigned level, unsigned digit) noexcept;
    void fill() noexcept;
    key redistribute(timer_node* t) noexcept;
    void redistribute_near() noexcept;
    void lower_base(key to) noexcept;

    timer_heap near_;    // the timers up to last_near_
    key last_near_ = 0;  // holds also while near_ is empty: later timers are far
    key base_ = 0;       // no far timer is before it
    std::size_t near_count_ = 0;
    std::size_t far_count_ = 0;
    std::uint64_t armed_so_far_ = 0;
    std::uint32_t used_levels_ = 0;         // a bit for each level that has timers,
    std::uint32_t used_[levels] = {};       // and one for each of its slots
    timer_node* slot_[levels][slots] = {};  // circular lists by prev and next, in the order of arming
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
