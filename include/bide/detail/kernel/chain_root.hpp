// SPDX-License-Identifier: BSL-1.0
//
// chain_root: the node of a chain that has a beginning and an end of its own: a started task, a branch of a combinator,
// a child of a fork, a wait() in plain code. The end of the chain is handled on the node's executor, `ctx.ex`, wherever
// resume_on has taken the frames.
//
//     class branch_base : public chain_root {
//         branch_base(…) : chain_root(task_kind::race, where, &branch_base::on_due) {}
//         static void on_due(call_node* self) noexcept {      // the executor runs the posted node
//             auto& b = *static_cast<branch_base*>(self);
//             b.begin_cold(b.slot_, &branch_base::on_end);
//         }
//         static void on_end(call_node* self) noexcept;       // takes the result, leaves the tree, notifies
//     };
//
// Protocol. The owner of the node calls begin() or begin_cold() once, with the function `on_end`, which is called once,
// on ctx.ex:
//   - in line, before begin() returns, if the coroutine has ended without waiting, or never begins;
//   - by the kernel, if the coroutine has ended on ctx.ex;
//   - as a posted node, if the coroutine has ended on another executor.
// In each case the frames are gone and the slot holds value, exception or "stopped". `on_end` brings the slot to its
// final state (slot::settle), takes the node out of the task tree (task_node::leave_tree), and notifies. The node may
// be gone after the notification.
//
// Thread rule: begin(), begin_cold() and `on_end` run on ctx.ex. Lifetime rule: the node and the slot live until
// `on_end` is called. Cancellation: begin_cold() does not begin a chain that was asked to stop before. Errors: none.
#pragma once

#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/task_node.hpp>

#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

class chain_root : public task_node, public child_end, public call_node {
public:
    /// What the executor calls when it runs the node.
    using node_function = void (*)(call_node* self) noexcept;

protected:
    chain_root(task_kind of_kind, const std::source_location& where, node_function when_run) noexcept
        : task_node(of_kind, where), child_end{nullptr, &chain_root::on_ended}, call_node(when_run) {}
    chain_root(task_kind of_kind, const std::source_location& where, std::uint64_t fresh_id,
               node_function when_run) noexcept
        : task_node(of_kind, where, fresh_id), child_end{nullptr, &chain_root::on_ended}, call_node(when_run) {}
    ~chain_root() = default;

    /// Writes what the cold frame in `s` needs, and makes `on_end` the function that hears of the end. The caller
    /// starts the frame.
    [[nodiscard]] promise_base* prepare(slot_base& s, node_function on_end) noexcept {
        call = on_end;
        return s.prepare(this, &ctx, attached);
    }
    /// Resumes the cold frame in `s` nested. *this may be gone afterwards.
    void begin(slot_base& s, node_function on_end) noexcept {
        if (!start_nested(prepare(s, on_end))) on_end(this);
    }
    /// For a posted node: makes the chain the running one, and begins it if it was not asked to stop. Else the cold
    /// frame is destroyed and the chain ends as stopped.
    void begin_cold(slot_base& s, node_function on_end) noexcept;

private:
    static void on_ended(child_end* self, slot_base* s) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
