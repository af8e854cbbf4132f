// SPDX-License-Identifier: BSL-1.0
//
// Makes and recognises `cancelled`. The owner of a chain of frames calls it, on the thread on which the chain has
// ended.
#include <bide/detail/base/cancelled.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

std::exception_ptr make_cancelled(stop_reason why) noexcept { return std::make_exception_ptr(cancelled(why)); }

bool is_cancelled(const std::exception_ptr& e) noexcept {
    try {
        std::rethrow_exception(e);
    } catch (const cancelled&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
