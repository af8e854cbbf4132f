// SPDX-License-Identifier: BSL-1.0
//
// The end of a program that cannot go on. Destructors and noexcept functions call it, on any thread: the message is
// written to stderr, then std::terminate() runs, so that a program's own terminate handler still sees the end.
#include <bide/detail/base/fail_fast.hpp>

#include <cstdio>
#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

void fail_fast(const std::string& what) noexcept {
    std::fprintf(stderr, "bide: %s\n", what.c_str());
    std::terminate();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
