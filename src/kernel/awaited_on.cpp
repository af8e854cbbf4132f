// SPDX-License-Identifier: BSL-1.0
//
// The walk from the calling code up the task tree. Each node above waits for the one below it, so it lives, and the executor
// in its context is the one on which its end is handled.
#include "kernel/awaited_on.hpp"

#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/kernel/thread_state.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

bool awaited_on(const executor& ex) noexcept {
    static_cast<void>(current_context());  // a child of a fork gets a node of its own first (F2)
    for (const task_node* n = tls().current; n != nullptr; n = n->parent)
        if (n->ctx.ex != nullptr && n->ctx.ex->runs_on(ex)) return true;
    return false;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
