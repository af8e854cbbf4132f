// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The version of bide, twice: that of the headers (macros, for `#if`) and that of the linked library (functions). They
/// differ where a program was compiled with the headers of one version and runs with the library of another;
/// `version_matches()` tells that. CMake reads the three numbers from here, so they are changed here alone.
///
/// Thread rule: any thread may call the functions. They do not throw.

#include <string_view>

#define BIDE_VERSION_MAJOR 0
#define BIDE_VERSION_MINOR 1
#define BIDE_VERSION_PATCH 0

namespace bide {
inline namespace v0 {

/// The linked library's version, "major.minor.patch".
[[nodiscard]] std::string_view version() noexcept;

/// The linked library's version as one number to compare: major * 1'000'000 + minor * 1'000 + patch.
[[nodiscard]] int version_number() noexcept;

/// Returns true if the headers of this translation unit have the version of the linked library.
[[nodiscard]] inline bool version_matches() noexcept {
    return version_number() == BIDE_VERSION_MAJOR * 1'000'000 + BIDE_VERSION_MINOR * 1'000 + BIDE_VERSION_PATCH;
}

}  // namespace v0
}  // namespace bide
