// SPDX-License-Identifier: BSL-1.0
//
// The default set of threads. The first call of to_thread, make_async, run or max_threads makes it, on the calling
// thread. Nothing destroys it: leaving main neither waits for its jobs nor stops them. At exit it names its live jobs
// in dev mode.
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

job_threads& default_threads() {
    job_threads* now = default_set.load(std::memory_order_acquire);
    while (now == nullptr || now->inherited()) {
        static const int registered = std::atexit([] {
            if (job_threads* const set = default_set.load(std::memory_order_acquire)) set->at_exit();
        });
        (void)registered;
        auto fresh = std::make_unique<job_threads>(threads_options{});
        // acq_rel: if two threads make a set at once, the losing thread sees the complete set of the winning thread.
        if (default_set.compare_exchange_strong(now, fresh.get(), std::memory_order_acq_rel, std::memory_order_acquire))
            return *fresh.release();
    }
    return *now;
}

job_threads* made_default_threads() noexcept { return default_set.load(std::memory_order_acquire); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
