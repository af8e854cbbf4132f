// SPDX-License-Identifier: BSL-1.0
//
// spawn: starts a program by posix_spawn, and resets everything that the child must not inherit. process::spawn calls
// it, on the thread that starts a child; it blocks until the child runs its program.
#pragma once

#include <bide/io/descriptor.hpp>

#include <spawn.h>
#include <sys/types.h>
#include <string>

namespace bide {
inline namespace v0 {

class process_options;

namespace detail {

/// What the child does with its descriptors before it runs its program, in the order of the calls.
class file_actions {
public:
    file_actions();
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    ~file_actions();
    /// The child's descriptor `to` becomes a copy of `from`.
    void duplicate(int from, int to);
    [[nodiscard]] posix_spawn_file_actions_t* get() noexcept { return &native_; }

private:
    posix_spawn_file_actions_t native_{};
};

/// Above the standard streams: the child writes those one after another, and must not overwrite one that it still
/// needs.
[[nodiscard]] owned_descriptor above_streams(owned_descriptor d);
/// Starts the program and returns its process id; takes the arguments out of the options. Throws std::system_error
/// where the program cannot be run, std::invalid_argument for a zero byte in an argument or variable.
[[nodiscard]] pid_t run_program(const std::string& program, process_options& options, file_actions& actions);

}  // namespace detail
}  // namespace v0
}  // namespace bide
