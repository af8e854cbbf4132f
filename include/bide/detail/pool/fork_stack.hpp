// SPDX-License-Identifier: BSL-1.0
//
// fork_stack: what a worker has forked and not begun, and the memory that it may need.
#pragma once

#include <bide/detail/pool/fork_deque.hpp>
#include <bide/detail/pool/work_queue.hpp>

#include <bide/detail/base/membarrier.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/pool/fork.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

struct fork_nesting;

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

}  // namespace detail
}  // namespace v0
}  // namespace bide
