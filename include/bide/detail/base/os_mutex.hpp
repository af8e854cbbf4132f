// SPDX-License-Identifier: BSL-1.0
//
// The operating system's mutex, with the annotations that clang's thread-safety analysis needs. A thread that waits for
// it sleeps; tasks never wait for it. For sections of a few instructions there is spin_lock.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/std_parts.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

class BIDE_CAPABILITY("os_mutex") os_mutex {
public:
    os_mutex() = default;
    void lock() BIDE_ACQUIRE() { native_.lock(); }
    void unlock() BIDE_RELEASE() { native_.unlock(); }
    [[nodiscard]] bool try_lock() BIDE_TRY_ACQUIRE(true) { return native_.try_lock(); }
    /// Returns the standard library's mutex, which os_condition needs.
    [[nodiscard]] std::mutex& native() noexcept { return native_; }

private:
    std::mutex native_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
