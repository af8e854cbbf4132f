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

}  // namespace detail
}  // namespace v0
}  // namespace bide
