// SPDX-License-Identifier: BSL-1.0
//
// The end of a program that cannot go on: after a mistake that would be undefined behaviour a moment later, and that no
// exception can report (in destructors). fail_fast() writes what is wrong, and calls std::terminate().
#pragma once

#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

[[noreturn]] void fail_fast(const std::string& what) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
