// SPDX-License-Identifier: BSL-1.0
//
// Computes when a time limit is over, without overflow. Guards and sleeps call it, with the time of their loop.
#include <bide/detail/base/duration.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

time_limit::clock::time_point time_limit::from(clock::time_point now) const noexcept {
    if (!relative_) return clock::time_point(time_);
    if (time_ <= clock::duration::zero()) return now;
    return time_ >= clock::time_point::max() - now ? clock::time_point::max() : now + time_;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
