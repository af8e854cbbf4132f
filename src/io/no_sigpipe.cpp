// SPDX-License-Identifier: BSL-1.0
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
