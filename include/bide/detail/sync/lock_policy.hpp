// SPDX-License-Identifier: BSL-1.0
//
// How the state of a primitive in sync/ is protected. The public names are basic_x<spin_lock> (`x`: coroutines and
// threads, any of them) and basic_x<no_lock> (`local_x`: one thread at a time, no read-modify-write unless it waits).
//
// A stop request may come from any thread also for a local primitive, because the request never touches a primitive.
// The requesting thread takes the leaf out of the parking word of the chain (parking_word.hpp: atomic in both variants)
// and posts the frame to its executor. The list of waiters is touched by the threads that use the primitive, and by the
// leaf's destructor, which runs when the frame is unwound: on the executor of the waiting task, which for a local
// primitive is the one loop where all of its users run.
#pragma once

#include <bide/detail/base/spin_lock.hpp>

#include <atomic>
#include <cstddef>

namespace bide {
inline namespace v0 {
namespace detail {

struct BIDE_CAPABILITY("no_lock") no_lock {
    void lock() noexcept BIDE_ACQUIRE() {}
    void unlock() noexcept BIDE_RELEASE() {}
};

/// The interface of std::atomic for a variable that one thread uses.
template <class T>
class unshared {
public:
    unshared(T v) noexcept : v_(v) {}  // NOLINT(google-explicit-constructor): as std::atomic
    unshared(const unshared&) = delete;
    unshared& operator=(const unshared&) = delete;
    [[nodiscard]] T load(std::memory_order) const noexcept { return v_; }
    void store(T v, std::memory_order) noexcept { v_ = v; }
    bool compare_exchange_strong(T& expected, T wanted, std::memory_order, std::memory_order) noexcept {
        if (v_ != expected) {
            expected = v_;
            return false;
        }
        v_ = wanted;
        return true;
    }

private:
    T v_;
};

/// The types of what a primitive keeps outside of its lock.
template <class Lock>
struct lock_policy;
template <>
struct lock_policy<spin_lock> {
    static constexpr bool shared = true;      // several threads use the primitive
    static constexpr std::size_t apart = 64;  // bytes between words that different processors write: a cache line
    template <class T>
    using word = std::atomic<T>;
};
template <>
struct lock_policy<no_lock> {
    static constexpr bool shared = false;
    static constexpr std::size_t apart = 0;
    template <class T>
    using word = unshared<T>;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
