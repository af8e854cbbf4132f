// SPDX-License-Identifier: BSL-1.0
//
// task_node: one sequential chain of frames with an owner: a started task, a child of when_all, the bottom of a wait(), the
// body of a scope. It holds what the chain inherits and may be asked for, and it is what the debug view lists. A program
// may have millions of them: what is small stands together.
#pragma once

#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/live_access.hpp>

#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

struct wait_edge;
struct task_node;

/// Where a chain stands in the wait graph; under the graph's mutex (wait_graph.cpp).
struct graph_place {
    wait_edge* edge = nullptr;   // the published wait in which the chain stands; a chain stands in one at most
    task_node* first = nullptr;  // the nodes below it that are in the graph: with an edge, or with such a node below
    task_node** link = nullptr;  // what points to it among those below its parent; null: it is not there
    task_node* next = nullptr;
    std::uint64_t seen = 0;  // by which search, and whether it is done with it
};

enum class task_kind : std::uint8_t {
    task,
    wait,   // the bottom of a wait()
    scope,  // the body of a scope; the node is its scope_core
    job,    // on a thread
    program,
    when_all,
    when_all_settled,
    race,
    first_success
};
[[nodiscard]] const char* to_string(task_kind kind) noexcept;

struct task_node {
    context ctx;             // what the outermost frame of the chain inherits
    context* active = &ctx;  // the innermost context (a with_timeout inside puts its own here)
    stop_state stop;
    task_node* parent = nullptr;  // in the task tree; it outlives this node
    std::source_location started;
    std::uint64_t id;           // never used twice
    std::uint64_t owner;        // who locks a mutex in this chain: the id, for a wait that of its caller
    task_node* prev = nullptr;  // the executor's live list
    task_node* next = nullptr;
    graph_place graph;
    const task_kind kind;
    bool blocks_parent = false;  // the chain above cannot go on before this one has ended (a wait(), a scope)
    bool listed = false;
    bool migrates = false;  // by resume_on: parts of it may run elsewhere. Set before it first leaves, and for ever

    task_node(task_kind what, const std::source_location& where) noexcept;
    task_node(const task_node&) = delete;
    task_node& operator=(const task_node&) = delete;

    /// Inherits deadline, task-locals and stop from `from` (null: nothing), runs on `ex`.
    void inherit(executor& ex, const context* from) noexcept {
        ctx.ex = &ex;
        if (from == nullptr) return;
        ctx.deadline = from->deadline;
        ctx.locals = from->locals;
        parent = from->owner;
        stop.link_to(*from->stop);
    }

    // A chain stands in one place at a time. Where that is no leaf, it is one of these, or with its children:
    /// The frame that awaits what bide does not know; null: none does.
    [[nodiscard]] const promise_base* in_foreign_code() const noexcept {
        return suspended_in_ == suspended_in::foreign_code ? frame_ : nullptr;
    }
    /// The scope for whose tasks it waits, at its end; null: it does not.
    [[nodiscard]] const task_node* at_end_of() const noexcept {
        return suspended_in_ == suspended_in::end_of_scope ? scope_ : nullptr;
    }
    void enters_foreign_code(const promise_base& awaiting) noexcept {
        frame_ = &awaiting;
        suspended_in_ = suspended_in::foreign_code;
    }
    void waits_at_end_of(const task_node& scope) noexcept {
        scope_ = &scope;
        suspended_in_ = suspended_in::end_of_scope;
    }
    void resumes() noexcept { suspended_in_ = suspended_in::leaf; }

    /// Enters and leaves the live list of ctx.ex.
    void enlist() noexcept;
    void delist() noexcept;

protected:
    task_node(task_kind what, const std::source_location& where, std::uint64_t fresh_id) noexcept
        : started(where), id(fresh_id), owner(fresh_id), kind(what) {
        ctx.stop = &stop;
        ctx.owner = this;
    }
    ~task_node() = default;

private:
    enum class suspended_in : std::uint8_t { leaf, foreign_code, end_of_scope };
    suspended_in suspended_in_ = suspended_in::leaf;
    union {
        const promise_base* frame_ = nullptr;
        const task_node* scope_;
    };
};
// A program may have millions of tasks: a new word has to be worth that.
static_assert(sizeof(void*) != 8 || sizeof(task_node) <= 224);

inline void task_node::enlist() noexcept {
    live_list& list = live_access::of(*ctx.ex);
    list.lock.lock();
    task_node* const after = list.first;
    next = after;
    prev = nullptr;
    if (after != nullptr) after->prev = this;
    list.first = this;
    list.lock.unlock();
    listed = true;
}
inline void task_node::delist() noexcept {
    if (!listed) return;
    live_list& list = live_access::of(*ctx.ex);
    list.lock.lock();
    task_node* const before = prev;
    task_node* const after = next;
    if (before != nullptr)
        before->next = after;
    else
        list.first = after;
    if (after != nullptr) after->prev = before;
    list.lock.unlock();
    listed = false;
}

// What a chain is asked that is the body of a scope (task_kind::scope); the scope's own answers (scope.cpp). By functions
// and not by a pointer in each node, though the kernel knows of scopes then.
/// Given the suspended frame of the stopped chain, before the kernel unwinds it. True: the scope has it, and posts it as
/// "unwind" when its tasks have ended.
[[nodiscard]] bool defer_body_unwind(task_node& scope, promise_base* leaf_frame) noexcept;
/// Whether the chain waits for the scope's tasks just now. For the wait graph.
[[nodiscard]] bool waits_for_tasks(task_node& scope) noexcept;

/// The context of the code that runs now on this thread; null in plain code outside any scope.
[[nodiscard]] context* current_context() noexcept;

/// The id under which the code that runs now locks things: that of its task, or the thread's own.
[[nodiscard]] std::uint64_t current_owner() noexcept;
[[nodiscard]] std::uint64_t new_id() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
