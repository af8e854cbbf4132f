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
// Memory: the nodes come from a reserve of the worker's, which the forking worker fills up when the fork is made (F5): so a
// suspending leaf, a sharing worker and a raiding worker need no memory, and cannot fail.
#pragma once

#include <bide/detail/base/countdown.hpp>
#include <bide/detail/kernel/chain_root.hpp>
#include <bide/detail/kernel/slot.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

class fork_group;
class fork_stack;

enum class fork_step : std::uint8_t {
    next,       // the child has ended with a value: go on with the next one
    suspended,  // nothing of it may be touched any more
    ended,      // all have ended, or never begin: the awaiting frame goes on
    no_memory,  // nothing has happened
    elsewhere,  // likewise: nothing is forked here
};

/// A child of a fork as a chain of its own.
struct fork_node final : chain_root {
    fork_node(fork_group& g, std::uint32_t i, executor& ex, const context& outer) noexcept;

    fork_group& group;
    const std::uint32_t index;
    outcome how = outcome::value;
    bool in_line = false;             // it runs, or began, nested in the awaiting frame
    fork_node* next_child = nullptr;  // the next child's, when shared

    // For the group, in the node of its first named child (the head):
    fork_group* outer = nullptr;  // the next named group further down the stack
    std::uint32_t place = 0;      // in the stack
    countdown left{0};
    std::atomic<fork_node*> failed_first{nullptr};

    void finish() noexcept;  // counts it off; it was the last touch

private:
    friend class fork_stack;
    void note_end() noexcept;
    [[nodiscard]] fork_step join_in_line() noexcept;  // it ended in line, and the others are elsewhere
    static void on_due(call_node* self) noexcept;
    static void on_end(call_node* self) noexcept;
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
    virtual void drop(std::uint32_t index) noexcept = 0;                             // a value
    virtual void settle(std::uint32_t index, const stop_state& asked) noexcept = 0;  // slot::settle_as_branch
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
