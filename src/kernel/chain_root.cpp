// SPDX-License-Identifier: BSL-1.0
//
// The beginning and the end of a chain with a node of its own. begin_cold() is called on the chain's executor, when it
// runs the posted node. The kernel calls on_ended() on the executor on which the coroutine has ended.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/chain_root.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void chain_root::begin_cold(slot_base& s, node_function on_end) noexcept {
    this_thread.current = this;
    if (!stop.requested()) {
        begin(s, on_end);
        return;
    }
    destroy_cold(s.child);
    s.state = outcome::stopped;
    on_end(this);
}

void chain_root::on_ended(child_end* self, [[maybe_unused]] slot_base* s) noexcept {
    BIDE_ASSERT(K6, (s->flags & attached) == 0);
    auto& root = *static_cast<chain_root*>(self);
    if (this_thread.ended_on == root.ctx.ex)
        root.call(&root);
    else                          // resume_on had moved the coroutine: the end is handled at home
        root.ctx.ex->post(root);  // the last use of `root`: its owner may destroy it now
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
