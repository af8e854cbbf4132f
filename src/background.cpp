// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/background.hpp>
#include <bide/detail/loop_access.hpp>

#include <atomic>
#include <thread>

namespace bide {
inline namespace v0 {
namespace detail {

loop& background_loop() noexcept {
    // Never destroyed: leaving main neither waits for it nor stops it.
    static loop* const shared = [] {
        auto* l = new loop;
        std::thread([l] {
            static const std::atomic<bool> never{false};
            loop_access::run_until_set(*l, never);
        }).detach();
        return l;
    }();
    return *shared;
}

} // namespace detail
} // namespace v0
} // namespace bide
