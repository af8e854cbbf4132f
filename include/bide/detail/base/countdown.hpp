// SPDX-License-Identifier: BSL-1.0
//
// countdown: how many owners an object has, or how many parts of a work have not ended. The thread that takes off the
// last one sees everything that every other thread did before it took off its own: it may delete the object, or sum up
// the results.
//
//     countdown owners_{1};
//     void add_owner() noexcept { owners_.add(); }
//     void drop() noexcept {
//         if (owners_.take_off()) delete this;
//     }
//
// Thread rule: any thread. A thread that adds is counted itself, or knows one that is and stays meanwhile. Lifetime
// rule: after take_off() has returned false the object may be gone. Destructor: nothing. Errors: none.
//
// What is no countdown: counts that a lock guards, whose zero is notified by a condition (thread_set, virtual_clock,
// shared_mutex); counts that are hints or bounds (work_queue, remote_list, the poller); submitted_work, whose zero is
// read by another thread, and which counts up again; counts of one thread, which need no atomic (the tries of a socket, the
// users of a registration, the queries of a DNS channel).
#pragma once

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

class countdown {
public:
    explicit countdown(std::uint32_t first) noexcept : left_(first) {}
    countdown(const countdown&) = delete;
    countdown& operator=(const countdown&) = delete;

    /// Begins anew. Whatever publishes the object or the parts to other threads publishes the number.
    void set(std::uint32_t n) noexcept { left_.store(n, std::memory_order_relaxed); }
    void add() noexcept { left_.fetch_add(1, std::memory_order_relaxed); }  // relaxed: the caller is counted
    /// Returns true for the last one.
    [[nodiscard]] bool take_off() noexcept {
        // acq_rel: the last one sees what all others did.
        return left_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    /// Returns true if the caller is the only one. It sees what those did that were counted before.
    [[nodiscard]] bool is_last() const noexcept { return left_.load(std::memory_order_acquire) == 1; }
    /// As take_off(), without an exchange where the caller is the only one: no other thread can add or take off.
    [[nodiscard]] bool take_off_cheaply() noexcept { return is_last() || take_off(); }

    // For an object that no other thread knows of yet: no exchange is needed.
    void add_alone() noexcept { set(left_.load(std::memory_order_relaxed) + 1); }
    void take_off_alone() noexcept { set(left_.load(std::memory_order_relaxed) - 1); }  // not the last one

    /// For assertions; old as soon as it is returned.
    [[nodiscard]] std::uint32_t left() const noexcept { return left_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint32_t> left_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
