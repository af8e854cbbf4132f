// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The version of bide, twice: as the headers say it (macros, for `#if`) and as the library that is really linked says
/// it (a function). They differ when a program was compiled with one version's headers and runs with another's library;
/// `version_matches()` tells. CMake reads the three numbers from here, so this is the only place to change them.
///
/// Threads: any. Cost: none.

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

/// Whether the headers that this translation unit was compiled with belong to the library it is linked with.
[[nodiscard]] inline bool version_matches() noexcept {
    return version_number() == BIDE_VERSION_MAJOR * 1'000'000 + BIDE_VERSION_MINOR * 1'000 + BIDE_VERSION_PATCH;
}

}  // namespace v0
}  // namespace bide
