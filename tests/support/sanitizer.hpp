// SPDX-License-Identifier: BSL-1.0
//
// What watches this program.
#pragma once

// Clang's question; it is none for g++ 12, which has macros.
#if defined(__has_feature)
#define BIDE_TESTS_HAVE(what) __has_feature(what)
#else
#define BIDE_TESTS_HAVE(what) 0
#endif

#if defined(__SANITIZE_THREAD__) || BIDE_TESTS_HAVE(thread_sanitizer)
#define BIDE_TESTS_UNDER_TSAN 1
#else
#define BIDE_TESTS_UNDER_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || BIDE_TESTS_HAVE(address_sanitizer)
#define BIDE_TESTS_UNDER_ASAN 1
#else
#define BIDE_TESTS_UNDER_ASAN 0
#endif

namespace support {

inline constexpr bool under_tsan = BIDE_TESTS_UNDER_TSAN != 0;
inline constexpr bool sanitized = under_tsan || BIDE_TESTS_UNDER_ASAN != 0;

}  // namespace support
