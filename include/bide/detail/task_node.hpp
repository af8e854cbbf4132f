// SPDX-License-Identifier: BSL-1.0
//
// task_node: one sequential chain of frames with an owner: a started task, a child of when_all, the root of a wait, the
// body of a scope. It holds what the chain inherits and may be asked for, and it is what the debug view lists.
#pragma once

#include <bide/detail/kernel.hpp>

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
    task_node* prev = nullptr;   // among those below its parent
    task_node* next = nullptr;
    bool below_parent = false;
    std::uint64_t seen = 0;  // by which search, and whether it is done with it
};

/// Given the suspended frame of a stopped chain instead of the kernel unwinding it: to be posted as "unwind" later.
struct held_unwind {
    /// False: nothing holds it back, unwind.
    virtual bool hold(promise_base* leaf_frame) noexcept = 0;

protected:
    ~held_unwind() = default;
};

struct task_node {
    context ctx;             // what the outermost frame of the chain inherits
    context* active = &ctx;  // the innermost context (a with_timeout inside puts its own here)
    stop_state stop;
    task_node* parent = nullptr;  // in the task tree; it outlives this node
    const char* kind;             // "task", "wait", "when_all", …
    std::source_location started;
    std::uint64_t id;             // never used twice
    std::uint64_t owner;          // who locks a mutex in this chain: the id, for a wait that of its caller
    held_unwind* hold = nullptr;  // the body of a scope: unwinds only when told (its tasks end first)
    bool holds_parent = false;    // the chain above cannot go on before this one has ended (a wait(), a scope)
    /// Whether the chain of this node waits for `child` just now (a scope at its end); null: never. For the wait graph.
    bool (*waits_for)(task_node& self, const task_node& child) noexcept = nullptr;
    task_node* prev = nullptr;  // the executor's live list
    task_node* next = nullptr;
    bool listed = false;
    bool wanders = false;  // by resume_on: parts of it may run elsewhere. Set before it first leaves, and for ever
    const promise_base* in_foreign_code = nullptr;  // the frame that awaits what bide does not know
    const task_node* at_end_of = nullptr;           // the scope for whose tasks it waits, at its end
    graph_place graph;

    task_node(const char* what, const std::source_location& where) noexcept;
    task_node(const task_node&) = delete;
    task_node& operator=(const task_node&) = delete;

    /// Inherits deadline, task-locals and stop from `from` (null: nothing), runs on `ex`.
    void inherit(executor& ex, const context* from) noexcept;

    /// Enters and leaves the live list of ctx.ex.
    void enlist() noexcept;
    void delist() noexcept;

protected:
    ~task_node() = default;
};

struct live_access {
    static live_list& of(executor& ex) noexcept { return ex.live_; }
    /// Calls f with the first of all executors, under the lock of their list.
    static void visit(void (*f)(executor* first, void* with), void* with);
    static executor* after(const executor& ex) noexcept { return ex.next_; }
    [[nodiscard]] static bool is_loop(const executor& ex) noexcept { return ex.loop_ != nullptr; }
    /// The loop that it is, or runs on; null for an executor of the user's.
    static loop* loop_of(const executor& ex) noexcept {
        const executor* at = &ex;
        while (at->loop_ == nullptr && at->base_ != nullptr) at = at->base_;
        return at->loop_;
    }

private:
    friend class bide::executor;
    static void enter(executor& ex) noexcept;
    static void leave(executor& ex) noexcept;
};

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

/// The context of the code that runs now on this thread; null in plain code outside any scope.
[[nodiscard]] context* current_context() noexcept;

/// The id under which the code that runs now locks things: that of its task, or the thread's own.
[[nodiscard]] std::uint64_t current_owner() noexcept;
[[nodiscard]] std::uint64_t new_id() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
