// SPDX-License-Identifier: BSL-1.0
//
// signal_set: awaits signals of the operating system. (stop_on_signals.hpp ends the program on SIGINT and SIGTERM.)
//
//     bide::signal_set wanted{SIGHUP, SIGUSR1};
//     for (;;) {
//         const int signal = co_await wanted.next();
//         if (signal == SIGHUP) reload();
//     }
//
// While a set lives, its signals have no other effect in this process. The last set that has a signal restores the
// signal's former action (ending the program, a handler). The system delivers a signal to any thread that does not
// block it; bide's handler only notes it there, and changes no thread's mask. A noted signal stays until next() takes
// it: a signal that came is given at least once, several of one kind perhaps as one, as the system itself does. If
// several sets have the signal, each of them gives it.
//
// Thread rule: one next() at a time (a second one throws usage_error), on any threads, loops and executors. Sets are
//   made and destroyed on any threads. next() throws std::logic_error in virtual time.
// Lifetime rule: the set outlives its next(). If it is destroyed meanwhile, next() fails with
//   std::errc::operation_canceled.
// Cancellation: a cancelled next() has taken no signal.
// Destructor: restores the former actions of the signals that no other set has.
// Errors: std::system_error (SIGKILL and SIGSTOP: std::errc::invalid_argument; no descriptor left);
//   std::invalid_argument for the signals of the program's own faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP);
//   usage_error from a moved-from set.
#pragma once

#include <bide/detail/io/signal_ops.hpp>

#include <concepts>
#include <cstdint>
#include <memory>

namespace bide {
inline namespace v0 {

class signal_set {
public:
    template <std::same_as<int>... S>
    explicit signal_set(S... signals) : signal_set(((std::uint64_t{0} | detail::signal_bit(signals)) | ...)) {
        static_assert(sizeof...(S) > 0, "bide: a set of no signals waits for ever");
    }
    signal_set(signal_set&&) noexcept = default;
    signal_set& operator=(signal_set&&) noexcept = default;
    ~signal_set() = default;

    /// Waits for a signal of the set and gives its number.
    [[nodiscard]] detail::signal_op next();

private:
    explicit signal_set(std::uint64_t signals);
    std::unique_ptr<detail::signal_source> source_;
};

}  // namespace v0
}  // namespace bide
