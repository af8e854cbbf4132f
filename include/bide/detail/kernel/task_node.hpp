// SPDX-License-Identifier: BSL-1.0
//
// task_node: one sequential chain of frames with an owner: a started task, a child of when_all, the bottom of a wait(),
// the body of a scope. The node holds what the chain inherits, its stop state and its place in the task tree, and the
// debug view lists it. A program may have millions of nodes, so small members lie next to each other.
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

/// A chain's place in the wait graph. The graph's mutex guards all of it (wait_graph.cpp).
struct graph_place {
    wait_edge* edge = nullptr;   // the published wait of the chain, which has one at most
    task_node* first = nullptr;  // the nodes below it that are in the graph: with an edge, or with such a node below
    task_node** link = nullptr;  // the pointer to this node in its parent's list; null: the list does not hold it
    task_node* next = nullptr;
    std::uint64_t seen = 0;  // the number of the search that visited it last, and whether that search is done with it
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
    std::uint64_t owner;        // the id under which the chain locks a mutex: its own; in a wait(), its caller's
    task_node* prev = nullptr;  // the executor's live list
    task_node* next = nullptr;
    graph_place graph;
    const task_kind kind;
    bool blocks_parent =
        false;  // true where the parent's chain is blocked until this one has ended (a wait(), a scope)
    bool listed = false;
    bool migrates = false;  // true once resume_on has moved a part of it to another executor; never reset

    task_node(task_kind what, const std::source_location& where) noexcept;
    task_node(const task_node&) = delete;
    task_node& operator=(const task_node&) = delete;

    /// Sets the executor, and inherits deadline, task-locals and stop requests from `from`, if that is not null.
    void inherit(executor& ex, const context* from) noexcept {
        ctx.ex = &ex;
        if (from == nullptr) return;
        ctx.deadline = from->deadline;
        ctx.locals = from->locals;
        parent = from->owner;
        stop.link_to(*from->stop);
    }

    // A chain is suspended in one place at a time. Where that is neither a leaf nor an await of its children, it is one
    // of:
    /// The frame that awaits foreign code, or null.
    [[nodiscard]] const promise_base* in_foreign_code() const noexcept {
        return suspended_in_ == suspended_in::foreign_code ? frame_ : nullptr;
    }
    /// The scope whose tasks the chain waits for at that scope's end, or null.
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
    /// Called at the end of the chain: it leaves the live list and the task tree, and no request reaches it any more.
    void leave_tree() noexcept {
        delist();
        stop.unlink();
        parent = nullptr;
    }

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

// Questions to a chain that is the body of a scope (task_kind::scope). scope.cpp answers them: two functions cost no
// word per node, as a pointer to the scope's answers would.
/// unwind() calls it before it destroys the frames of a stopped body. Returns true if the scope keeps the frame, and
/// posts it as "unwind" when its tasks have ended.
[[nodiscard]] bool defer_body_unwind(task_node& scope, promise_base* leaf_frame) noexcept;
/// Returns true if the chain waits for the scope's tasks now. The wait graph asks it.
[[nodiscard]] bool waits_for_tasks(task_node& scope) noexcept;

/// The context of the code that runs on the calling thread; null in plain code outside of any scope.
[[nodiscard]] context* current_context() noexcept;

/// The id under which the running code locks a mutex: its task's, or in plain code the thread's own.
[[nodiscard]] std::uint64_t current_owner() noexcept;
[[nodiscard]] std::uint64_t new_id() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
