// SPDX-License-Identifier: BSL-1.0
//
// A chain's node gets its id here, and code asks for the chain that runs on the calling thread: starts, waits, locks
// and the debug view do. A question about the running chain gives a nested child of a fork its own node first (F2).
#include "kernel/this_thread.hpp"

#include <bide/detail/kernel/task_node.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

const char* to_string(task_kind kind) noexcept {
    switch (kind) {
        case task_kind::task:
            return "task";
        case task_kind::wait:
            return "wait";
        case task_kind::scope:
            return "scope";
        case task_kind::job:
            return "job";
        case task_kind::program:
            return "program";
        case task_kind::when_all:
            return "when_all";
        case task_kind::when_all_settled:
            return "when_all_settled";
        case task_kind::race:
            return "race";
        case task_kind::first_success:
            return "first_success";
    }
    return "?";
}

task_node::task_node(task_kind what, const std::source_location& where) noexcept : task_node(what, where, take_id()) {}

std::uint64_t new_id() noexcept { return take_id(); }

context* current_context() noexcept {
    name_fork(this_thread);
    task_node* now = this_thread.current;
    return now != nullptr ? now->active : nullptr;
}

std::uint64_t current_owner() noexcept {
    name_fork(this_thread);
    if (this_thread.current != nullptr) return this_thread.current->owner;
    return plain_owner();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
