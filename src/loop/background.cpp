// SPDX-License-Identifier: BSL-1.0
//
// bide's loop in the background: the carrier of executors that have no loop of their own, and the default base of
// strands. The kernel asks for it on any thread (seams of kernel/background.hpp). Its thread begins at the first
// request, and ends in shutdown_background(), which the next request undoes.
#include "loop/loop_service.hpp"

#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/error.hpp>

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

struct background {
    os_mutex m;
    std::atomic<bool> serving{false};  // written under the mutex
    loop_service service{"bide background"};
};

// Nothing destroys it: leaving main neither waits for the loop nor stops it. The child of a fork() gets another one.
background& shared() {
    static std::atomic<background*> now{nullptr};
    background* b = now.load(std::memory_order_acquire);
    while (b == nullptr || b->service.inherited()) {
        auto* fresh = new background;
        // acq_rel: if two threads make one at once, the losing thread sees the complete object of the winning thread.
        if (now.compare_exchange_strong(b, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) return *fresh;
        delete fresh;
    }
    return *b;
}

}  // namespace

loop& background_loop() {
    background& b = shared();
    if (!b.serving.load(std::memory_order_acquire)) [[unlikely]] {
        const lock_guard guard(b.m);
        if (!b.serving.load(std::memory_order_relaxed)) {  // relaxed: written under the mutex
            b.service.begin();
            b.serving.store(true, std::memory_order_release);
        }
    }
    return *b.service.get();
}

void shutdown_background() {
    background& b = shared();
    if (b.service.on_own_thread())
        throw usage_error(
            "shutdown() on the thread of bide's background loop: it would wait for itself; call it from "
            "main, or hand it to another thread");
    const lock_guard guard(b.m);
    if (!b.serving.load(std::memory_order_relaxed)) return;
    b.service.stop(stop_reason::shutdown);
    b.service.join();
    b.serving.store(false, std::memory_order_release);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
