// SPDX-License-Identifier: BSL-1.0
//
// process.hpp: starts other programs, talks to them by pipes, and waits for their end.
//
//     bide::process_output got = co_await bide::run_process("git", "log", "-1");      // (in plain code: .wait())
//     if (got.status.success()) std::cout << got.output;
//
//     bide::process_options o("-n", "5");                   // the arguments, without the program's name
//     o.output = bide::stdio::pipe();
//     bide::process tail = bide::process::spawn("tail", std::move(o));
//     bide::buffered_reader lines(tail.output);
//     while (std::optional<std::string> line = co_await lines.read_line()) …
//     bide::exit_status how = co_await tail.join();
//
// The child gets its three standard streams and no other descriptor of this process, an empty signal mask, and the
// default action of every signal. It stays in this process's session and process group unless the options say
// otherwise. A program name without a slash is searched for along PATH.
//
// Thread rule: one exited() or join() at a time (a second one throws usage_error), on any threads, loops and executors.
//   signal() may be called from any thread meanwhile. exited() throws std::logic_error in virtual time. spawn() blocks
//   the calling thread until the child runs its program: about a millisecond.
// Lifetime rule: the object outlives the tasks that it gave.
// Cancellation: a cancelled exited() leaves the child alone. A cancelled join() or run_process() ends the child: it
//   sends SIGTERM, and SIGKILL when the grace period is over; the task unwinds when the child has ended.
// Destructor: kills (SIGKILL) a child that has not ended, and takes its status, so that no zombie stays. detach() lets
//   the child live.
// Errors: std::system_error, also if the program cannot be run (std::errc::no_such_file_or_directory, …) or the
//   directory does not exist; usage_error from an empty or moved-from object. A program that fails is no error: see its
//   status. exited() fails with std::errc::no_child_process in a process that ignores SIGCHLD, or where other code
//   takes the status of children that it did not start.
#pragma once

#include <bide/detail/io/process_ops.hpp>
#include <bide/io/descriptor.hpp>
#include <bide/io/pipe.hpp>
#include <bide/task.hpp>

#include <sys/types.h>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bide {
inline namespace v0 {

/// How a process has ended.
class exit_status {
public:
    exit_status() noexcept = default;
    exit_status(bool by_signal, int value) noexcept : by_signal_(by_signal), value_(value) {}
    [[nodiscard]] bool success() const noexcept { return !by_signal_ && value_ == 0; }
    /// Returns what the child returned from main; -1 if a signal ended it.
    [[nodiscard]] int code() const noexcept { return by_signal_ ? -1 : value_; }
    /// Returns the signal that ended the child, or 0.
    [[nodiscard]] int signal() const noexcept { return by_signal_ ? value_ : 0; }
    /// As in "exit status 1", "killed by signal 9 (Killed)".
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const exit_status&, const exit_status&) noexcept = default;

private:
    bool by_signal_ = false;
    int value_ = 0;
};

/// What the child gets as one of its standard streams.
class stdio {
public:
    /// The same stream as this process has.
    [[nodiscard]] static stdio inherit() noexcept { return stdio(kind::inherit); }
    /// /dev/null.
    [[nodiscard]] static stdio null() noexcept { return stdio(kind::null); }
    /// A pipe; the process object has its other end.
    [[nodiscard]] static stdio pipe() noexcept { return stdio(kind::pipe); }
    /// A copy of this descriptor.
    [[nodiscard]] static stdio from(owned_descriptor d) { return stdio(std::move(d)); }
    /// For the error stream only: the same as the child's output.
    [[nodiscard]] static stdio as_output() noexcept { return stdio(kind::as_output); }

private:
    friend class process;
    friend class process_options;
    enum class kind { inherit, null, pipe, descriptor, as_output };
    explicit stdio(kind k) noexcept : kind_(k) {}
    explicit stdio(owned_descriptor d) : kind_(kind::descriptor), descriptor_(std::move(d)) {}
    kind kind_;
    owned_descriptor descriptor_;
};

class process_options {
public:
    process_options() = default;
    explicit process_options(std::vector<std::string> args) : arguments(std::move(args)) {}
    template <std::convertible_to<std::string>... A>
        requires(sizeof...(A) > 0)
    explicit process_options(A&&... args) {
        (arguments.emplace_back(std::forward<A>(args)), ...);
    }

    std::vector<std::string> arguments;  ///< without the program's name
    /// The child's environment, by name. Without a value: a copy of this process's.
    std::optional<std::map<std::string, std::string>> environment;
    /// Variables to set in that environment, or, without a value, to remove from it.
    std::map<std::string, std::optional<std::string>> changes;
    std::filesystem::path directory;  ///< the child's working directory; empty: this process's
    stdio input = stdio::inherit();
    stdio output = stdio::inherit();
    stdio error = stdio::inherit();
    /// The child leads a process group of its own. Until the child's status is taken, signal() reaches the whole group,
    /// so also what the child has started; afterwards it reaches nobody. The destructor, terminate() and a cancelled
    /// join() kill what is left of the group when they take the status of the child.
    bool own_group = false;

    // Internal: makes a pipe of each stream that is left at inherit.
    void capture() noexcept;
};

/// The time between SIGTERM and SIGKILL.
inline constexpr std::chrono::seconds default_grace{5};

class process {
public:
    /// An empty object: no child.
    process() noexcept;
    process(process&&) noexcept;
    process& operator=(process&& other) noexcept;
    ~process();

    /// Starts the program.
    [[nodiscard]] static process spawn(std::string program, process_options options = {});

    /// This process's ends of the streams that were stdio::pipe(); closed for the others.
    pipe_writer input;
    pipe_reader output;
    pipe_reader error;

    /// Waits for the end of the child. It may be awaited again, and gives the same status.
    [[nodiscard]] task<exit_status> exited();
    /// Waits for the end of the child; if the task is cancelled, it ends the child first.
    [[nodiscard]] task<exit_status> join(std::chrono::nanoseconds grace = default_grace);
    /// Sends SIGTERM, and SIGKILL after the grace period, and waits for the end of the child.
    [[nodiscard]] task<exit_status> terminate(std::chrono::nanoseconds grace = default_grace);

    /// Sends a signal to the child, or with own_group to its group. Returns false if the child's status was taken, or
    /// the system has no such process any more.
    bool signal(int number);
    /// Lets the child live on and empties the object. bide takes the status of the child when it ends.
    void detach();

    [[nodiscard]] pid_t id() const;
    /// Returns the status that an earlier operation has taken, or nothing. It does not ask the system.
    [[nodiscard]] std::optional<exit_status> status() const;

private:
    [[nodiscard]] detail::child_process& checked() const;
    std::unique_ptr<detail::child_process> child_;
};

/// The result of run_process.
class process_output {
public:
    process_output() = default;
    exit_status status;
    std::string output;
    std::string error;
};

/// Runs a program to its end. Each stream that the options leave at inherit becomes a pipe: the child reads `input`,
/// and what it writes is collected. More than `limit` bytes of output or of errors: io_errc::too_much, and the child is
/// ended.
[[nodiscard]] task<process_output> run_process(std::string program, process_options options, std::string input,
                                               std::size_t limit = std::size_t{64} << 20);
/// Runs a program with these arguments and an empty input.
template <std::convertible_to<std::string>... A>
[[nodiscard]] task<process_output> run_process(std::string program, A&&... arguments) {
    process_options options;
    (options.arguments.emplace_back(std::forward<A>(arguments)), ...);
    return run_process(std::move(program), std::move(options), std::string());
}

}  // namespace v0
}  // namespace bide
