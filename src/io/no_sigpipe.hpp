// SPDX-License-Identifier: BSL-1.0
//
// Writing to a pipe raises SIGPIPE when nobody reads it any more, and only sockets have a flag against that everywhere.
// While this guard lives the signal cannot reach the thread; what was raised meanwhile is taken back. One that was
// pending before stays.
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
    /// The call said EPIPE: so it has raised the signal.
    void raised() noexcept { raised_ = true; }

private:
    sigset_t before_;
    bool pending_;
    bool raised_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
