// SPDX-License-Identifier: BSL-1.0
//
// Counts how often this process is the child of a fork(). pthread_atfork's handler adds one in the child, which has a
// single thread at that time; any thread reads the number, and compares it with the one that it kept from before.
#include <bide/detail/base/process.hpp>

#include <pthread.h>
#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

constinit std::atomic<int> process_forks{0};

int process_generation() noexcept {
    static const int registered =
        pthread_atfork(nullptr, nullptr, [] { process_forks.fetch_add(1, std::memory_order_relaxed); });
    (void)registered;
    // relaxed: the number is written only in a new child, by its single thread; later threads begin after that.
    return process_forks.load(std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
