// SPDX-License-Identifier: BSL-1.0
//
// The timers of a loop, in the order of their times, equal ones in that of arming.
//
// The next few are in a pairing heap (timer_heap.hpp). Those further ahead lie unsorted in the slots of a hierarchical
// timing wheel (Varghese and Lauck 1987), which is also a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990): the highest
// digit, of five bits, in which a time differs from the wheel's base says in which of the levels it lies, and the digit
// in which slot. When the heap has run empty, the first slot is dealt out to the levels below it, again and again,
// until what is first is so little that it goes to the heap. So times are exact, there is no tick, and nothing is
// allocated.
//
// Costs. Arming and taking out is constant beyond the heap's last time. A timer that fires was moved a few times before
// (twice or three times with a million of them over seconds; thirteen times at most), always with its neighbours, in
// place of the heap's log n steps to memory that is far away. TRAP: what is armed before the heap's last time goes to
// the heap, wherever that is (a lone timer at an hour, and then a million before it). So a heap that has got large, and
// no smaller than the wheel, is dealt out again; as that many were armed since, arming stays constant amortised. At
// worst everything is in the heap: then firing and taking out are logarithmic amortised.
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
    /// Before the first one comes into an empty queue. It only saves work where it is right: what is before it is near.
    void begin(time_point now) noexcept { last_near_ = base_ = key_of(now); }
    /// The first one, or null.
    [[nodiscard]] timer_node* first() noexcept {
        if (near_count_ == 0) fill();
        return near_.first();
    }
    void insert(timer_node& t) noexcept;
    void remove(timer_node& t) noexcept;

private:
    using key = std::uint64_t;  // a time, so that unsigned ones compare
    static constexpr unsigned digit_bits = 5;
    static constexpr unsigned slots = 1U << digit_bits;
    static constexpr unsigned levels = (64 + digit_bits - 1) / digit_bits;
    static constexpr std::size_t few = 16;    // go to the heap at once,
    static constexpr std::size_t many = 256;  // and with so many it is worth dealing them out again

    static key key_of(time_point at) noexcept {
        return static_cast<key>(at.time_since_epoch().count()) ^ (key{1} << 63U);
    }
    static unsigned level_of(key differing) noexcept {
        return (63U - static_cast<unsigned>(__builtin_clzll(differing))) / digit_bits;
    }
    static unsigned digit_of(key k, unsigned level) noexcept {
        return static_cast<unsigned>(k >> (level * digit_bits)) % slots;
    }
    static key below(unsigned level) noexcept { return (key{1} << (level * digit_bits)) - 1; }  // its lower digits

    void put_near(timer_node& t) noexcept;
    void put_far(timer_node& t, key k) noexcept;
    void append(timer_node* chain, unsigned level, unsigned digit) noexcept;
    [[nodiscard]] timer_node* take_slot(unsigned level, unsigned digit) noexcept;
    void fill() noexcept;
    key redistribute(timer_node* t) noexcept;
    void redistribute_near() noexcept;
    void lower_base(key to) noexcept;

    timer_heap near_;    // everything up to last_near_
    key last_near_ = 0;  // also when there is nothing near
    key base_ = 0;       // not after any far one
    std::size_t near_count_ = 0;
    std::size_t far_count_ = 0;
    std::uint64_t armed_so_far_ = 0;
    std::uint32_t used_levels_ = 0;
    std::uint32_t used_[levels] = {};
    timer_node* slot_[levels][slots] = {};  // rings, by prev and next, in the order of arming
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
