// SPDX-License-Identifier: BSL-1.0
//
// scope_options: what with_scope(options, body) is told. Every member has a default; name those that differ.
//
//     std::vector<std::exception_ptr> failures;
//     bide::with_scope({.exit = bide::exit_mode::cancel, .errors = &failures}, [&](bide::scope& s) {
//         s.start(refresh_for_ever);                     // cancelled when the body has ended
//         serve();
//     });
//
// Thread rule: a value, which with_scope copies before it begins.
// Lifetime rule: `errors`, `memory` and `on` refer to objects of the caller's. `errors` and `on` outlive the scope.
//   `memory` outlives the scope and every future of what was started in it: the future's result lies in the task's
//   node.
// Errors: an allocation that `memory` refuses throws out of start(), and nothing was started then; one that is refused
//   while a started task's own frame is made is that task's failure.
#pragma once

#include <bide/executor.hpp>

#include <cstdint>
#include <exception>
#include <memory_resource>
#include <vector>

namespace bide {
inline namespace v0 {

/// What happens at the end of the body to tasks that have not ended.
enum class exit_mode : std::uint8_t {
    wait,    // the scope waits for them
    cancel,  // the scope asks them to stop, and waits; a task that has not begun never runs
    fail  // as cancel; a scope that has no failure to throw then throws unfinished_tasks, with the lines of their starts
};

/// What the first failure, of a task or of the body, does to the rest of the scope.
enum class error_mode : std::uint8_t {
    cancel,     // it cancels body and tasks; the scope throws that failure, as itself
    keep_going  // the others run to their end; the scope throws all failures as one exception_group, in start order
};

struct scope_options {
    exit_mode exit = exit_mode::wait;
    error_mode error = error_mode::cancel;
    /// Receives the failure of every task, also one that somebody has seen. Null: a failure that nobody has seen and
    /// that is not thrown goes to the unhandled-error hook.
    std::vector<std::exception_ptr>* errors = nullptr;
    /// Where the nodes and frames of what is started lie; null: bide's own free lists. Tasks that run on several
    /// threads use it from each of them.
    std::pmr::memory_resource* memory = nullptr;
    /// Where tasks run; null: where the body runs.
    executor* on = nullptr;
};

}  // namespace v0
}  // namespace bide
