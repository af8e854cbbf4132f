// SPDX-License-Identifier: BSL-1.0
//
// The version of the library that is linked. It is compiled into the library, and not in line, because the headers of
// a program may belong to another version. Called on any thread.
#include <bide/version.hpp>

#define BIDE_TEXT_OF(x) #x
#define BIDE_TEXT(x) BIDE_TEXT_OF(x)

namespace bide {
inline namespace v0 {

std::string_view version() noexcept {
    return BIDE_TEXT(BIDE_VERSION_MAJOR) "." BIDE_TEXT(BIDE_VERSION_MINOR) "." BIDE_TEXT(BIDE_VERSION_PATCH);
}

int version_number() noexcept {
    return BIDE_VERSION_MAJOR * 1'000'000 + BIDE_VERSION_MINOR * 1'000 + BIDE_VERSION_PATCH;
}

}  // namespace v0
}  // namespace bide
