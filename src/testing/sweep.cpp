// SPDX-License-Identifier: BSL-1.0
//
// The counting of a sweep's runs, on the thread of sweep_cancellation.
#include <bide/testing/sweep.hpp>

namespace bide {
inline namespace v0 {
namespace testing {

void sweep_result::count(bool reached, future_status how) noexcept {
    if (!reached) {
        ++missed;
        return;
    }
    ++points;
    ++(how == future_status::cancelled ? cancelled : succeeded);
}

}  // namespace testing
}  // namespace v0
}  // namespace bide
