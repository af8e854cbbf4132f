// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/kernel/foreign_leaf.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

// Suspended at its beginning; whoever resumes it, on whatever thread, posts the waiting frame to its own executor.
hand_back hand_back_to(promise_base* waiting) {
    post(waiting, step::resume);
    co_return;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
