// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/threads/default_threads.hpp>

#include "threads/job_threads.hpp"

#include <atomic>
#include <cstdlib>
#include <memory>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
std::atomic<job_threads*> default_set{nullptr};
}

// Never destroyed: leaving main neither waits for it nor stops it. The child of a fork gets another one.
job_threads& default_threads() {
    job_threads* now = default_set.load(std::memory_order_acquire);
    while (now == nullptr || now->inherited()) {
        static const int registered = std::atexit([] {
            if (job_threads* const set = default_set.load(std::memory_order_acquire)) set->at_exit();
        });
        (void)registered;
        auto fresh = std::make_unique<job_threads>(threads_options{});
        // acq_rel: two threads may ask at once; the loser sees the winner's complete.
        if (default_set.compare_exchange_strong(now, fresh.get(), std::memory_order_acq_rel, std::memory_order_acquire))
            return *fresh.release();
    }
    return *now;
}

job_threads* made_default_threads() noexcept { return default_set.load(std::memory_order_acquire); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
