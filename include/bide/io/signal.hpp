// SPDX-License-Identifier: BSL-1.0
//
// signal_set: signals as something to wait for. (To end the program on SIGINT and SIGTERM there is a guard of its own.)
//
//     bide::signal_set wanted{SIGHUP, SIGUSR1};
//     for (;;) {
//         const int signal = co_await wanted.next();
//         if (signal == SIGHUP) reload();
//     }
//
// While the set lives, its signals do nothing else: what they did before (ending the program, a handler) comes back
// with the last set that has them. They are delivered to any thread that does not block them, by a handler that only
// notes them; no thread's mask is changed. What has come is kept until next() is called: each signal at least once
// after it came, several of a kind perhaps as one, as the system itself does. Several sets may have the same signal;
// each is told.
//
// Thread rule: one next() at a time (another one: usage_error), on any threads, loops and executors. Sets are made and
//   destroyed on any threads. next() does not work in virtual time (std::logic_error).
// Lifetime rule: the set outlives its next(); destroyed meanwhile, that ends with std::errc::operation_canceled.
// Cancellation: a cancelled next() has taken no signal.
// Destructor: the signals do again what they did before.
// Errors: std::system_error (SIGKILL and SIGSTOP: std::errc::invalid_argument; no descriptor left);
//   std::invalid_argument for what is a fault of the program itself: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP.
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

    /// The next signal. try_: io_result<int>.
    [[nodiscard]] detail::signal_op<false> next();
    [[nodiscard]] detail::signal_op<true> try_next();

private:
    explicit signal_set(std::uint64_t signals);
    std::unique_ptr<detail::signal_source> source_;
};

}  // namespace v0
}  // namespace bide
