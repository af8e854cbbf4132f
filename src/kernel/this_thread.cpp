// SPDX-License-Identifier: BSL-1.0
//
// The words that each thread has for itself, and the rare paths to them: the limits of the native stack, measured when
// a thread first nests frames, and a fresh block of ids. Always called by the thread whose words they are.
#include "kernel/this_thread.hpp"

#include <pthread.h>
#include <algorithm>
#include <atomic>
#include <cstddef>

namespace bide {
inline namespace v0 {
namespace detail {

BIDE_STATIC_TLS constinit thread_local thread_state this_thread;

BIDE_STATIC_TLS constinit thread_local std::uint64_t thread_owner = 0;

namespace {
constexpr std::uintptr_t nest_bytes = std::uintptr_t{256} * 1024;  // how far frames may nest on one native stack
}

// Frames nest over nest_bytes, and never beyond half of the stack. A wait() is refused in the last eighth, at most 1
// MiB.
[[gnu::noinline, gnu::cold]] void measure_stack(thread_state& t) noexcept {
    void* low = nullptr;
    std::size_t size = 0;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    t.stack_low = reinterpret_cast<std::uintptr_t>(low);
    t.stack_reserve = t.stack_low + std::min<std::size_t>(size / 8, std::size_t{1} << 20);
    const auto middle = t.stack_low + size / 2;
    const auto wanted = stack_pointer() - nest_bytes;
    t.stack_limit = wanted > middle ? wanted : middle;
}

[[gnu::noinline, gnu::cold]] bool really_deep(thread_state& t) noexcept {
    if (t.stack_limit != ~std::uintptr_t{0}) return true;
    measure_stack(t);
    return stack_pointer() < t.stack_limit;
}

BIDE_STATIC_TLS constinit thread_local std::uint64_t next_id = 0;
[[gnu::noinline]] void begin_ids() noexcept {
    static constinit std::atomic<std::uint64_t> next_block{1};
    // relaxed: only uniqueness counts.
    next_id = next_block.fetch_add(1, std::memory_order_relaxed) * ids_in_a_block;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
