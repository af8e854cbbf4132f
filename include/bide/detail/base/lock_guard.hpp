// SPDX-License-Identifier: BSL-1.0
//
// Guards for bide's own locks, with the annotations that clang's thread-safety analysis needs and that the standard
// library's guards do not carry. They behave as std::lock_guard and std::unique_lock do, for any type that has lock()
// and unlock().
#pragma once

#include <bide/detail/base/capability.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

/// Tells the analysis that the caller holds the lock, where code took it under another name and calls a function back,
/// as park_in() does. Does nothing at run time.
template <class Lock>
inline void assume_held([[maybe_unused]] const Lock& lock) noexcept BIDE_ASSERT_CAPABILITY(lock) {}

/// Takes the lock, and gives it back at the end of the block.
template <class Lock>
class [[nodiscard]] BIDE_SCOPED_CAPABILITY lock_guard {
public:
    explicit lock_guard(Lock& lock) BIDE_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;
    ~lock_guard() BIDE_RELEASE() { lock_.unlock(); }

private:
    Lock& lock_;
};

/// Takes the lock, and gives it back at the end of the block if it holds the lock then. In between, unlock() gives the
/// lock back and lock() takes it again.
template <class Lock>
class [[nodiscard]] BIDE_SCOPED_CAPABILITY unique_lock {
public:
    explicit unique_lock(Lock& lock) BIDE_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    unique_lock(const unique_lock&) = delete;
    unique_lock& operator=(const unique_lock&) = delete;
    ~unique_lock() BIDE_RELEASE() {
        if (owns_) lock_.unlock();
    }

    void lock() BIDE_ACQUIRE() {
        lock_.lock();
        owns_ = true;
    }
    void unlock() BIDE_RELEASE() {
        owns_ = false;
        lock_.unlock();
    }
    [[nodiscard]] bool owns_lock() const noexcept { return owns_; }
    [[nodiscard]] Lock& mutex() const noexcept BIDE_RETURN_CAPABILITY(lock_) { return lock_; }

private:
    Lock& lock_;
    bool owns_ = true;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
