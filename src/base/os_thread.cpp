// SPDX-License-Identifier: BSL-1.0
//
// How bide makes its own threads: with all signals blocked but those that report a fault of the thread itself. Loop
// threads, the workers of pools and the elastic set of threads start here; the function runs on the thread that makes
// the new one. Tests can have the making of a thread refused.
#include "base/os_thread.hpp"

#include <atomic>
#include <csignal>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
std::atomic<thread_refusal> refusal{nullptr};
}

thread_refusal refuse_threads(thread_refusal ask) noexcept {
    // acq_rel: a thread that calls the function sees what the test prepared for it.
    return refusal.exchange(ask, std::memory_order_acq_rel);
}

int start_thread(pthread_t& made, void* (*f)(void*), void* with) noexcept {
    if (const thread_refusal ask = refusal.load(std::memory_order_acquire)) {
        if (const int error = ask(); error != 0) return error;
    }
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);  // a thread begins with the mask of its maker
    const int error = pthread_create(&made, nullptr, f, with);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return error;
}

void name_this_thread(const char* name) noexcept { pthread_setname_np(pthread_self(), name); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
