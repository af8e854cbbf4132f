// SPDX-License-Identifier: BSL-1.0
//
// What a task says when it is used after it was consumed. Called on the thread that uses it.
#include "base/place.hpp"

#include <bide/task.hpp>

#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

void throw_empty_task(const std::source_location& where) {
    throw usage_error(std::string("this task is empty: it was moved from or consumed before (") +
                      where.function_name() + " at " + place_of(where) +
                      "); a task is consumed once, call the function again for another one");
}
}  // namespace detail
}  // namespace v0
}  // namespace bide
