// SPDX-License-Identifier: BSL-1.0
//
// The error of a race or first_success without items. The combinators call it, on the thread that calls or awaits them.
#include <bide/detail/combine/combined.hpp>

#include <stdexcept>
#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

void throw_nothing_to_race(const char* what) {
    throw std::invalid_argument(std::string(what) +
                                ": there is nothing to wait for; give it at least one task or future");
}

task<> nothing_to_race(const char* what) { throw_nothing_to_race(what); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
