// SPDX-License-Identifier: BSL-1.0
//
// The end of a program that cannot go on: a mistake that would be undefined behaviour a moment later, and that no
// exception can report (destructors). Says what is wrong, then std::terminate().
#pragma once

#include <bide/detail/kernel/leaf.hpp>

#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

[[noreturn]] void fail_fast(const std::string& what) noexcept;

[[noreturn]] void fail_with_waiters(const leaf& first, const char* what) noexcept;

/// For a primitive's destructor: whoever waits for it would touch freed memory later.
inline void need_no_waiters(const leaf_list& waiters, const char* what) noexcept {
    if (const leaf* first = waiters.front()) [[unlikely]]
        fail_with_waiters(*first, what);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
