// SPDX-License-Identifier: BSL-1.0
//
// Writes a source location as "file:line". Whatever makes a message (an exception, a report, the debug view) calls it,
// on its own thread.
#include "base/place.hpp"

namespace bide {
inline namespace v0 {
namespace detail {

std::string place_of(const std::source_location& at) {
    return std::string(at.file_name()) + ":" + std::to_string(at.line());
}

std::string short_place_of(const std::source_location& at) {
    std::string text = place_of(at);
    if (const auto slash = text.rfind('/'); slash != std::string::npos) text.erase(0, slash + 1);
    return text;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
