// SPDX-License-Identifier: BSL-1.0
//
// no_sigpipe: a guard for a system call that may raise SIGPIPE: writing to a pipe that has no reader. Only sockets have
// a flag against it with every kernel.
//
//     no_sigpipe quiet;
//     const ssize_t n = ::write(fd, from, size);
//     if (n < 0 && errno == EPIPE) quiet.raised();
//
// While the guard lives, this thread blocks the signal. Its destructor takes a signal that the call has raised from the
// thread's pending ones, and leaves one that was pending before. errno is kept.
#pragma once

#include <csignal>

namespace bide {
inline namespace v0 {
namespace detail {

class no_sigpipe {
public:
    no_sigpipe() noexcept;
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;
    ~no_sigpipe();
    /// The call failed with EPIPE, so it has raised the signal.
    void raised() noexcept { raised_ = true; }

private:
    sigset_t before_;
    bool pending_;
    bool raised_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
