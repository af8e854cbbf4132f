// SPDX-License-Identifier: BSL-1.0
//
// The end of a program in which a rule of the map is broken. BIDE_ASSERT calls it, on the thread that found the break.
// The library's state cannot be trusted any more, so it writes the message and aborts without unwinding.
#include <bide/detail/base/rules.hpp>

#include <cstdio>
#include <cstdlib>

namespace bide {
inline namespace v0 {
namespace detail {

void rule_broken(const char* rule, const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "bide: rule %s is broken at %s:%d: %s (docs/map.md has the rules)\n", rule, file, line,
                 condition);
    std::abort();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
