// SPDX-License-Identifier: BSL-1.0
//
// task_local: putting a value into the context of an operation, and finding one.
//
// The awaiting chain's thread calls locals_guard. The thread of the code that asks calls find_local(), which walks the
// links of its own context; links are never changed once they are there, so no lock is needed.
#include <bide/task_local.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void locals_guard::enter(context& outer) noexcept {
    ctx_.stop = outer.stop;
    with_.link_->outer = outer.locals;
    if (outer.locals != nullptr) outer.locals->add_ref();
    ctx_.locals = with_.link_;
}

void locals_guard::throw_stopped() const { throw cancelled(ctx_.stop->reason()); }

const void* find_local(const void* key) noexcept {
    const context* now = current_context();
    if (now == nullptr) return nullptr;
    for (const local_link* l = now->locals; l != nullptr; l = l->outer)
        if (l->key == key) return l->value;
    return nullptr;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
