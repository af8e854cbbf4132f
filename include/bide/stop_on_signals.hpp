// SPDX-License-Identifier: BSL-1.0
//
// stop_on_signals: Ctrl-C (SIGINT) and SIGTERM ask the program to stop. Its cleanup runs, and then the process ends as
// the signal would have ended it at once: whoever started it (a shell, systemd) sees that in its status.
//
//     int main() {
//         bide::stop_on_signals guard;       // first: what is declared below it has ended when it does its last thing
//         try {
//             serve().wait();                // is asked to stop, cleans up, and ends cancelled
//         } catch (const bide::cancelled&) {
//         }
//     }
//
//     int main() {
//         bide::loop_thread worker;
//         bide::stop_on_signals guard(worker);
//         worker.start();
//         guard.wait();                      // until a signal came
//     }                                      // the worker is stopped and joined, then the process ends
//
// What is asked, in this order: the plain code of the thread that made the guard, as if it stood in a task that is
//   stopped: a wait() or with_scope there, now or later while the guard lives, is cancelled, and stop_requested() is
//   true; whatever has the token(); and the loop_thread or the stop_source that was given. The reason is
//   stop_reason::shutdown. A thread that blocks outside of bide is not interrupted (SA_RESTART): a stop_callback on
//   token() can wake it.
// A second signal, while the cleanup runs, ends the process at once, unless second_signal::is_ignored was said.
// Opt-in: without a guard bide touches no signal. A signal that the process ignores when the guard is made (nohup, a
//   shell's background job) stays ignored.
// Destructor, and finish(): give the signals back what they did before the guard. If one came: stops and joins the
//   loop_thread that was given, writes out stdout's buffer, and raises the signal anew. By default that ends the
//   process there, without atexit handlers and destructors of statics; a handler that was there before is called, and
//   the program goes on. An exception that nobody catches ends the program before it comes to that: catch `cancelled`.
// Thread rule: made and destroyed on one thread, in plain code (main) outside of every task and scope. token(),
//   signal() and wait() may be called from any thread. A thread of the guard's own requests the stop, so stop callbacks
//   run on it, and may do what a signal handler may not.
// Lifetime rule: the loop_thread outlives the guard. One guard at a time, because what a signal does is the process's.
// Fork: in the child of a fork() both signals end the process, and the guard's destructor raises nothing.
// Errors: usage_error for a second guard, or one made in a task or a scope; std::system_error when there is no thread
//   to be had.
#pragma once

#include <bide/detail/base/owned_ptr.hpp>
#include <bide/loop_thread.hpp>
#include <bide/stop.hpp>

#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {

/// What a signal does when one came before, and the cleanup is still running.
enum class second_signal : std::uint8_t { ends_process, is_ignored };

class stop_on_signals {
public:
    explicit stop_on_signals(second_signal second = second_signal::ends_process);
    /// Also asks the thread to stop, and joins it before the process ends.
    explicit stop_on_signals(loop_thread& worker, second_signal second = second_signal::ends_process);
    /// Also asks the source.
    explicit stop_on_signals(stop_source source, second_signal second = second_signal::ends_process);
    stop_on_signals(const stop_on_signals&) = delete;
    stop_on_signals& operator=(const stop_on_signals&) = delete;
    ~stop_on_signals();

    /// Is asked by the first signal.
    [[nodiscard]] stop_token token() const noexcept;
    /// The first signal that came; 0: none yet.
    [[nodiscard]] int signal() const noexcept;
    /// Blocks until a signal came, and says which. Throws `cancelled` when the waiting code was stopped otherwise.
    int wait(std::source_location where = std::source_location::current()) const;

    /// What the destructor does, for a program whose cleanup is over sooner. Afterwards the guard does nothing more.
    void finish() noexcept;

private:
    struct core;
    detail::owned_ptr<core> core_;
};

}  // namespace v0
}  // namespace bide
