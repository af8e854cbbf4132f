// SPDX-License-Identifier: BSL-1.0
//
// no_sigpipe: a write that raises no SIGPIPE, where the system call has no flag for that.
//
// Tries call it around write(2) and splice(2), on whatever thread they run. The guard blocks the signal for this thread
// alone; if the call has raised it, the destructor takes it from the thread's pending signals before it restores the
// mask.
#include "io/no_sigpipe.hpp"

#include <pthread.h>
#include <cerrno>
#include <ctime>

namespace bide {
inline namespace v0 {
namespace detail {

no_sigpipe::no_sigpipe() noexcept {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
}
no_sigpipe::~no_sigpipe() {
    const int keep = errno;
    if (raised_ && !pending_) {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        const timespec now{0, 0};
        while (::sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {}
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = keep;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
