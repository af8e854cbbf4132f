// SPDX-License-Identifier: BSL-1.0
//
// stop_on_signals: Ctrl-C (SIGINT) and SIGTERM ask the program to stop. The program's cleanup runs, and then the signal
// ends the process: the parent process (a shell, systemd) sees the signal in the process's status.
//
//     int main() {
//         bide::stop_on_signals guard;       // declared first, so destroyed last: its destructor raises the signal again
//         try {
//             serve().wait();                // the signal asks it to stop; it cleans up, and ends cancelled
//         } catch (const bide::cancelled&) {
//         }
//     }
//
//     int main() {
//         bide::loop_thread worker;
//         bide::stop_on_signals guard(worker);
//         worker.start();
//         guard.wait();                      // blocks until a signal has come
//     }                                      // shutdown() of the worker, then the process ends
//
// The first signal asks to stop, in this order: the plain code of the thread that made the guard (a wait() or
//   with_scope there, now or later while the guard lives, is cancelled, and stop_requested() returns true); every
//   holder of token(); and the loop_thread or stop_source that the constructor was given. The reason is
//   stop_reason::shutdown. A thread that blocks outside of bide is not interrupted (SA_RESTART): a stop_callback on
//   token() can wake it.
// A second signal, while the cleanup runs, ends the process at once; with second_signal::is_ignored it does nothing.
// Opt-in: without a guard bide touches no signal. A signal that the process ignores when the guard is made (nohup, a
//   shell's background job) stays ignored.
// Destructor, finish(): restore what the signals did before the guard. If a signal has come, they call
//   shutdown() of the loop_thread that was given, flush stdout, and raise the signal again. By default that ends the process there,
//   without atexit handlers and destructors of statics. If the program had a handler before, it is called, and the
//   program goes on.
//   TRAP: an exception that main does not catch ends the program without the destructor: catch `cancelled`.
// Thread rule: a guard is made and destroyed on one thread, in plain code (main), outside of every task and scope.
//   token(), signal() and wait() may be called from any thread. A thread of the guard's own requests the stop: stop
//   callbacks run on that thread, and may do what a signal handler may not.
// Lifetime rule: the loop_thread outlives the guard. One guard lives at a time, because a signal belongs to the
// process.
// Cancellation: wait() is cancelled by a stop of the waiting code; the guard itself waits for nothing else.
// Fork: in the child of a fork() both signals end the process, and the guard's destructor raises nothing.
// Errors: usage_error for a second guard, or for one made in a task or a scope; std::system_error if no thread can be
// made.
#pragma once

#include <bide/detail/base/owned_ptr.hpp>
#include <bide/loop_thread.hpp>
#include <bide/stop.hpp>

#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {

/// What the second signal does, while the program's cleanup runs.
enum class second_signal : std::uint8_t { ends_process, is_ignored };

class stop_on_signals {
public:
    explicit stop_on_signals(second_signal second = second_signal::ends_process);
    /// The first signal also stops `worker`, and the guard's end joins it.
    explicit stop_on_signals(loop_thread& worker, second_signal second = second_signal::ends_process);
    /// The first signal also requests a stop of `source`.
    explicit stop_on_signals(stop_source source, second_signal second = second_signal::ends_process);
    stop_on_signals(const stop_on_signals&) = delete;
    stop_on_signals& operator=(const stop_on_signals&) = delete;
    ~stop_on_signals();

    /// Returns a token whose stop the first signal requests.
    [[nodiscard]] stop_token token() const noexcept;
    /// Returns the number of the first signal that came; 0: none has come.
    [[nodiscard]] int signal() const noexcept;
    /// Blocks until a signal has come, and returns its number. Throws `cancelled` if something else stopped the waiting
    /// code.
    int wait(std::source_location where = std::source_location::current()) const;

    /// Does now what the destructor would do. Afterwards the guard does nothing.
    void finish() noexcept;

private:
    struct core;
    detail::owned_ptr<core> core_;
};

}  // namespace v0
}  // namespace bide
