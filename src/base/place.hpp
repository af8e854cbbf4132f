// SPDX-License-Identifier: BSL-1.0
//
// How messages name a line of source.
#pragma once

#include <source_location>
#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

/// Returns "file:line".
[[nodiscard]] std::string place_of(const std::source_location& at);
/// The same without the file's folder.
[[nodiscard]] std::string short_place_of(const std::source_location& at);

}  // namespace detail
}  // namespace v0
}  // namespace bide
