// SPDX-License-Identifier: BSL-1.0
//
// The small coroutine whose handle foreign code gets from a task that awaits it. The task's thread makes the
// coroutine; the foreign code resumes it once, on any thread, and the resumed coroutine posts the awaiting frame to
// the frame's own executor and destroys itself.
#include <bide/detail/kernel/foreign_leaf.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

hand_back hand_back_to(promise_base* waiting) {
    post(waiting, step::resume);
    co_return;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
