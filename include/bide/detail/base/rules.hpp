// SPDX-License-Identifier: BSL-1.0
//
// BIDE_ASSERT(rule, condition): a rule of the map's tables (K1, F2, …) holds here, or the program ends with the rule's
// number, the place and the condition.
//
//     BIDE_ASSERT(K5, this_thread.suspended);
//
// Asserts are on in every build of the tests but the optimised one (BIDE_CHECK_RULES, which the build sets for library
// and tests alike); elsewhere the condition is not evaluated. A header asserts only where the assert changes neither a
// layout nor what other code does.
#pragma once

namespace bide {
inline namespace v0 {
namespace detail {

/// Ends the program: the rule is broken at that place.
[[noreturn]] void rule_broken(const char* rule, const char* condition, const char* file, int line) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide

#if defined(BIDE_CHECK_RULES)
#define BIDE_ASSERT(rule, ...) \
    ((__VA_ARGS__) ? static_cast<void>(0) : ::bide::detail::rule_broken(#rule, #__VA_ARGS__, __FILE__, __LINE__))
#else
#define BIDE_ASSERT(rule, ...) static_cast<void>(sizeof(static_cast<bool>(__VA_ARGS__)))
#endif
