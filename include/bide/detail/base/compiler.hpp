// SPDX-License-Identifier: BSL-1.0
//
// What serves one compiler or one standard library alone, with the day on which it may go. docs/compilers.md tells users
// what g++ 12 does; `./run compiler-check` shows what another compiler makes of the same code, in rows that are named
// below.
//
//   what                         for            goes when the oldest supported one is newer, and this shows it
//   safe_in_await                g++ 12         the rows of lambda_argument are ok
//   shift_of, …_shifted          g++ 12         the rows of await_in_condition are ok
//   declared constructors        g++ 12         the rows of aggregate_argument and aggregate_awaiter are ok: `X() noexcept
//     of awaitables and options                 = default` and constructors that only copy members may go, with tools/lint
//   through_register             g++ 12, -O2    the row fork_fib_1 of bench/run is no slower without it
//   std_parts.hpp, its first #if libstdc++ 12   bench/include_cost, with the headers of its #else, counts no more lines
//   BIDE_DETAIL_TRIVIAL_ABI      clang          stays: another compiler has no such attribute
//   capability.hpp               clang          stays: another compiler has no such analysis
//
// In the code around them nothing asks for a compiler.
//
// Thread rule, lifetime rule, cancellation, errors: those of the callers.
#pragma once

#include <cstdint>
#include <type_traits>

#if defined(__clang__)
#define BIDE_DETAIL_TRIVIAL_ABI [[clang::trivial_abi]]
#else
#define BIDE_DETAIL_TRIVIAL_ABI
#endif

namespace bide {
inline namespace v0 {
namespace detail {

// g++ 12 copies some temporaries of an expression that awaits bit by bit into the frame, and destroys both.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool copies_temporaries_bitwise = true;
#else
inline constexpr bool copies_temporaries_bitwise = false;
#endif
/// Whether an argument that was deduced as F&& may be a lambda temporary in an expression that awaits.
template <class F>
inline constexpr bool safe_in_await = !copies_temporaries_bitwise || std::is_lvalue_reference_v<F> ||
                                      std::is_trivially_copyable_v<std::remove_cvref_t<F>>;

// A frame holds the function that resumes it, the function that destroys it, the promise, and the rest, in this order.
// But where a condition awaits (if, while, for, do, switch) and no block around it declares a variable, g++ 12 puts the
// condition's value into the frame's first bytes and moves everything else up by a word. A handle made from the promise
// of such a frame, and a promise found from its handle, are wrong by that word. A frame begins at an address that
// operator new returns; the promise's distance from such an address shows the shift.
inline std::uintptr_t shift_of(const void* promise) noexcept {
    return (reinterpret_cast<std::uintptr_t>(promise) - 2 * sizeof(void*)) % __STDCPP_DEFAULT_NEW_ALIGNMENT__;
}
/// Resumes, or destroys, a frame whose shift is not 0.
void resume_shifted(void* promise) noexcept;
void destroy_shifted(void* promise) noexcept;

/// Takes a value through a register of its own. g++ would load a value in one piece with the flags beside it, which were
/// written in other pieces a moment ago: the processor cannot forward those, and waits for the stores.
template <class T>
[[gnu::always_inline]] inline T through_register(T value) noexcept {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>);
    asm("" : "+r"(value));
    return value;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
