// SPDX-License-Identifier: BSL-1.0
//
// Forks: the children of a when_all on a worker of a pool. The first child is resumed nested, as if it were awaited;
// the others lie in a stack that is private to the worker, which takes them from there itself: a fork that nobody else
// takes costs hardly more than the awaits of its children. See "Forks" in docs/map.md; the rules are F1 to F7 there.
//
//     plain      the child that runs shares context, stop state and owner with the awaiting chain. Nothing can tell it
//                from an awaited task: it has not waited, and nobody has asked who it is
//     named      it has a node of its own, fork_node: somebody asked, or the fork was shared
//     shared     the children that have not begun are in the executor's queue, each with its node; joined by a counter
//
// Memory: the nodes come from a reserve of the worker's, which is filled up when the fork is made (F5): so whoever
// suspends, shares or takes needs no memory, and cannot fail.
#pragma once

#include <bide/detail/base/membarrier.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/pool/fork_deque.hpp>
#include <bide/detail/pool/work_queue.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

class fork_group;
class fork_stack;
struct fork_nesting;

enum class fork_step : std::uint8_t {
    next,       // the child has ended with a value: go on with the next one
    suspended,  // nothing of it may be touched any more
    ended,      // all have ended, or never begin: the awaiting frame goes on
    no_memory,  // nothing has happened
    elsewhere,  // likewise: nothing is forked here
};

/// A child of a fork as a chain of its own.
struct fork_node final : task_node, child_end, call_node {
    fork_node(fork_group& g, std::uint32_t i, executor& ex, const context& outer) noexcept;

    fork_group& group;
    const std::uint32_t index;
    outcome how = outcome::value;
    bool in_line = false;             // it runs, or began, nested in the awaiting frame
    fork_node* next_child = nullptr;  // the next child's, when shared

    // For the group, in the node of its first named child (the head):
    fork_group* outer = nullptr;  // the next named group further down the stack
    std::uint32_t place = 0;      // in the stack
    std::atomic<std::uint32_t> left{0};
    std::atomic<fork_node*> failed_first{nullptr};

    void finish() noexcept;  // counts it off; it was the last touch

private:
    friend class fork_stack;
    void note_end() noexcept;
    [[nodiscard]] fork_step join_in_line() noexcept;  // it ended in line, and the others are elsewhere
    static void on_due(call_node* self) noexcept;
    static void on_ended(child_end* self, slot_base*) noexcept;
    static void on_returned(call_node* self) noexcept;
};

/// The base of an awaiter in the awaiting frame. Nothing is initialised that a plain fork does not need.
class fork_group {
public:
    fork_group(const fork_group&) = delete;
    fork_group& operator=(const fork_group&) = delete;

    // For the machinery.
    promise_base* const awaiting;
    fork_node* head;     // named: of the oldest child that has not ended
    std::uint32_t next;  // the first child that has not begun
    [[nodiscard]] virtual std::uint32_t count() const noexcept = 0;
    [[nodiscard]] virtual slot_base& at(std::uint32_t index) noexcept = 0;
    virtual void drop(std::uint32_t index) noexcept = 0;  // a value
    virtual void fail(std::uint32_t index, std::exception_ptr e) noexcept = 0;
    [[nodiscard]] virtual std::exception_ptr take_error(std::uint32_t index) noexcept = 0;
    /// Those from `from` on never begin.
    void never_begin(std::uint32_t from) noexcept;
    /// The failure, after which nothing is left in the slots.
    [[nodiscard]] std::exception_ptr take_failure() noexcept;
    void drop_values() noexcept;
    /// The last one has ended: what the awaiting frame does, and the failures that it will not see go to the hook.
    [[nodiscard]] step sum_up() noexcept;

protected:
    explicit fork_group(promise_base& p) noexcept : awaiting(&p) {}  // NOLINT(cppcoreguidelines-pro-type-member-init)
    ~fork_group() = default;
};

/// Runs the first child nested, in front of those after it; `elsewhere` when the awaiting frame does not run on a
/// worker of its executor.
[[nodiscard]] fork_step fork_first(fork_group& g, slot_base& s, std::uint32_t places) noexcept;
/// The same for one after it.
[[nodiscard]] fork_step fork_nested(fork_group& g, slot_base& s, std::uint32_t places) noexcept;

/// What a worker has forked and not begun, and the memory that it may need.
class fork_stack {
public:
    static constexpr std::uint32_t places = 4096;

    /// `hungry`: how many workers have nothing to do; `queue`: where the owner's posts go.
    fork_stack(executor& ex, const std::atomic<std::uint32_t>& hungry, work_queue<ready_node>& queue) noexcept
        : ex_(ex), hungry_(hungry), queue_(queue) {}
    fork_stack(const fork_stack&) = delete;
    fork_stack& operator=(const fork_stack&) = delete;
    ~fork_stack();

    [[nodiscard]] executor& where() const noexcept { return ex_; }
    /// By the owner: thread_state::current is not yet the child that runs now.
    [[nodiscard]] bool unnamed() const noexcept { return told_ < deque_.top(); }

    /// By the owner: somebody has asked for forks.
    [[nodiscard]] bool asked() const noexcept { return deque_.limit() == 0; }
    /// By the owner: a child has a node of which its frames do not know yet.
    [[nodiscard]] bool stale() const noexcept { return mark_ < deque_.top() && mark_ < deque_.floor(); }

    /// By the owner: names what is above the floor, and writes the contexts into the frames from `p` on outwards (null:
    /// the frame is not known, they are written later).
    void materialize_context(promise_base* p) noexcept;
    /// By the owner, whose frame `leaf` suspends: everything is opened. `child` is the first forked frame above it.
    void open(promise_base* leaf, promise_base* child) noexcept;
    /// By the owner: shares all; it is about to block.
    void share_all() noexcept;
    /// By the owner, at the trampoline: posts what open() has left.
    void post_opened() noexcept {
        if (opened_ != nullptr) [[unlikely]]
            post_opened_slowly();
    }

    /// By a hungry worker: from now on the owner shares when it forks.
    void ask() noexcept;
    /// Whether there is something to share. Exact for whoever has just taken what the owner had shared before.
    [[nodiscard]] bool keeps_some() noexcept;
    /// By a hungry worker: shares the oldest; it is in the executor's queue then. False: there is none.
    [[nodiscard]] bool raid() noexcept;

private:
    friend struct fork_nesting;
    friend struct fork_node;
    friend class fork_group;
    struct spare {
        spare* next;
    };
    [[nodiscard]] bool pushed_past_limit(std::uint32_t at) noexcept;
    [[nodiscard]] fork_step child_returned(fork_group& g, slot_base& s, std::uint32_t at) noexcept;
    [[nodiscard]] fork_step queue_all(fork_group& g, std::uint32_t from) noexcept;
    void post_opened_slowly() noexcept;
    [[nodiscard]] bool refill(std::uint32_t wanted) noexcept;

    // Under the lock.
    fork_node& make(fork_group& g, std::uint32_t index, const context& outer) noexcept;
    void give_back(fork_node& n) noexcept;
    static void discard(fork_node& n) noexcept;  // anywhere: to the worker that runs here
    [[nodiscard]] const context& outer_of(const fork_group& g, std::uint32_t place,
                                          const fork_group* outer) const noexcept;
    std::uint32_t name(std::uint32_t place) noexcept;
    void name_all() noexcept;
    void write_contexts(promise_base* p) noexcept;
    fork_node& add_rest(fork_group& g) noexcept;
    fork_node& share_oldest(std::uint32_t floor) noexcept;
    [[nodiscard]] bool enough_for_oldest(std::uint32_t floor) const noexcept;
    void set_limit() noexcept;

    fork_deque<fork_group, std::atomic, membarrier, places> deque_;
    executor& ex_;
    const std::atomic<std::uint32_t>& hungry_;
    work_queue<ready_node>& queue_;
    spin_lock lock_;
    std::uint32_t base_ = 0;  // below: shared
    std::uint32_t mark_ = 0;  // below: the frames have the contexts of their nodes; written by the owner alone
    std::uint32_t told_ = 0;  // the owner's: up to here thread_state::current is what runs
    fork_group* last_named_ = nullptr;
    spare* spares_ = nullptr;
    std::uint32_t free_ = 0;
    std::uint32_t private_named_ = 0;
    ready_node* opened_ = nullptr;  // innermost first
};

/// Some worker of the pool on which this runs has nothing to do.
[[nodiscard]] bool somebody_hungry() noexcept;

/// A stop ends the task here.
struct stop_point {
    promise_base* p;
    explicit stop_point(promise_base& frame) noexcept : p(&frame) {}
    [[nodiscard]] bool await_ready() const noexcept { return !stop_seen(p); }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        promise_base* const me = p;
        detach(me);
        post(me, step::unwind);
        return true;
    }
    void await_resume() const noexcept {}

private:
    /// Also a request that reached the frame's chain before the frame knew that it is one of its own.
    [[nodiscard]] static bool stop_seen(promise_base* p) noexcept;
};
struct stop_point_op {
    stop_point_op() noexcept = default;
    [[nodiscard]] stop_point native_awaiter(promise_base& p) const noexcept { return stop_point(p); }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
