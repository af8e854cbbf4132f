// SPDX-License-Identifier: BSL-1.0
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
