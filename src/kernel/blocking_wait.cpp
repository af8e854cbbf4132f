// SPDX-License-Identifier: BSL-1.0
//
// What a wait() in plain code throws when its task was stopped. The waiting thread calls it. The wait itself is in
// loop/wait.cpp.
#include <bide/detail/kernel/blocking_wait.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void blocking_wait_base::throw_cancelled() const {
    throw cancelled(stop.requested() ? stop.reason() : stop_reason::user);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
