// SPDX-License-Identifier: BSL-1.0
//
// process.hpp: other programs, as something to start, to talk to, and to wait for.
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
// The child gets its three standard streams and nothing else: no other descriptor of this process, an empty signal
// mask, and every signal's default action. It is in its parent's session and process group unless the options say
// otherwise. A program without a slash in its name is looked for along PATH.
//
// Thread rule: one exited() or join() at a time (another one: usage_error), on any threads, loops and executors;
// signal()
//   from any thread meanwhile. exited() does not work in virtual time (std::logic_error). spawn blocks until the child
//   runs its program: about a millisecond.
// Lifetime rule: the object outlives what is awaited of it.
// Cancellation: a cancelled exited() leaves the child alone. A cancelled join() or run_process() ends it: SIGTERM, and
//   SIGKILL when the grace period is over; the task unwinds when the child has ended.
// Destructor: kills (SIGKILL) a child that has not ended, and takes its status; no zombie stays. detach() lets it live.
// Errors: std::system_error, also when the program cannot be run (std::errc::no_such_file_or_directory, …) or the
//   directory is not there; an empty or moved-from object: usage_error. A program that fails is no error: see its
//   status.
// In a process that ignores SIGCHLD, or takes the status of children that are not its own, exited() fails with
//   std::errc::no_child_process.
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
    /// What it returned from main; -1 if a signal ended it.
    [[nodiscard]] int code() const noexcept { return by_signal_ ? -1 : value_; }
    /// The signal that ended it, or 0.
    [[nodiscard]] int signal() const noexcept { return by_signal_ ? value_ : 0; }
    /// "exit status 1", "killed by signal 9 (Killed)".
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const exit_status&, const exit_status&) noexcept = default;

private:
    bool by_signal_ = false;
    int value_ = 0;
};

/// What a standard stream of a child is.
class stdio {
public:
    /// The parent's.
    [[nodiscard]] static stdio inherit() noexcept { return stdio(kind::inherit); }
    /// /dev/null.
    [[nodiscard]] static stdio null() noexcept { return stdio(kind::null); }
    /// A pipe, whose other end is in the process object.
    [[nodiscard]] static stdio pipe() noexcept { return stdio(kind::pipe); }
    /// This descriptor, which the child gets a copy of.
    [[nodiscard]] static stdio from(owned_descriptor d) { return stdio(std::move(d)); }
    /// Only for the error stream: the same as the output.
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
    /// The whole environment, by name; empty: the parent's.
    std::optional<std::map<std::string, std::string>> environment;
    /// Set in (or, without a value, taken out of) that environment.
    std::map<std::string, std::optional<std::string>> changes;
    std::filesystem::path directory;  ///< to run in; empty: the parent's
    stdio input = stdio::inherit();
    stdio output = stdio::inherit();
    stdio error = stdio::inherit();
    /// The child leads a process group of its own; signal() goes to all of it, so also to what the child has started.
    bool own_group = false;

    // Internal: pipes for what is inherited.
    void capture() noexcept;
};

/// How long a child that was asked to end may take.
inline constexpr std::chrono::seconds default_grace{5};

class process {
public:
    /// None.
    process() noexcept;
    process(process&&) noexcept;
    process& operator=(process&& other) noexcept;
    ~process();

    [[nodiscard]] static process spawn(std::string program, process_options options = {});

    /// The other ends of what was stdio::pipe().
    pipe_writer input;
    pipe_reader output;
    pipe_reader error;

    /// How it has ended: when it has. Again and again.
    [[nodiscard]] task<exit_status> exited();
    /// The same; and if it is cancelled it ends the child first.
    [[nodiscard]] task<exit_status> join(std::chrono::nanoseconds grace = default_grace);
    /// Ends the child: SIGTERM, and SIGKILL after the grace period. How it has ended.
    [[nodiscard]] task<exit_status> terminate(std::chrono::nanoseconds grace = default_grace);

    /// Sends a signal to the child (with own_group: to its group). False: it has ended already.
    bool signal(int number);
    /// It may live on; its status is taken when it ends. The object is empty then.
    void detach();

    [[nodiscard]] pid_t id() const;
    /// Null when it has not ended, as far as anybody has looked.
    [[nodiscard]] std::optional<exit_status> status() const;

private:
    [[nodiscard]] detail::child_process& checked() const;
    std::unique_ptr<detail::child_process> child_;
};

/// What run_process gives.
class process_output {
public:
    process_output() = default;
    exit_status status;
    std::string output;
    std::string error;
};

/// Runs a program with `options` to its end: gives it `input`, and collects what it writes to the streams that the
/// options leave at inherit (the input is empty then, and the two others are pipes). More than `limit` bytes of either
/// is io_errc::too_much, and ends the child.
[[nodiscard]] task<process_output> run_process(std::string program, process_options options, std::string input,
                                               std::size_t limit = std::size_t{64} << 20);
/// The same with these arguments, and no input.
template <std::convertible_to<std::string>... A>
[[nodiscard]] task<process_output> run_process(std::string program, A&&... arguments) {
    process_options options;
    (options.arguments.emplace_back(std::forward<A>(arguments)), ...);
    return run_process(std::move(program), std::move(options), std::string());
}

}  // namespace v0
}  // namespace bide
