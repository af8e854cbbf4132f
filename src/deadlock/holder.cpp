// SPDX-License-Identifier: BSL-1.0
//
// Who holds a mutex, and the messages for locks that are taken twice or given back without being held. Lock operations
// call it, on the thread of the task, or of the plain code, that locks.
#include "base/place.hpp"

#include <bide/detail/deadlock/holder.hpp>

#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

holder current_holder() noexcept {
    const context* here = current_context();
    return {current_owner(), here != nullptr ? here->ex : nullptr};
}

void throw_held_already(const char* what, const promise_base& p, const std::source_location* place) {
    const std::source_location& at = place != nullptr ? *place : p.where;
    const char* function = place != nullptr ? place->function_name() : p.origin.function_name();
    throw would_deadlock(
        std::string(function) + " at " + place_of(at) + " locks a " + what +
        " that it holds already; this wait could never end. Unlock the guard first, or pass the guard to "
        "what needs it");
}

void throw_not_held(const char* what) {
    throw usage_error(std::string(what) +
                      ": unlocked, but it is not locked; a lock is given back once, by its guard or by "
                      "guard::unlock");
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
