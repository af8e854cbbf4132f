// SPDX-License-Identifier: BSL-1.0
//
// fork_stack: what a worker has forked and not begun, and the memory that it may need.
#pragma once

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/membarrier.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/pool/fork.hpp>
#include <bide/detail/pool/fork_deque.hpp>
#include <bide/detail/pool/work_queue.hpp>

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
    /// By the owner, at the trampoline: every fork was popped, or opened and posted (F3).
    [[nodiscard]] bool nothing_forked() const noexcept { return deque_.top() == 0 && opened_.empty(); }

    /// By the owner: somebody has asked for forks.
    [[nodiscard]] bool asked() const noexcept { return deque_.limit() == 0; }
    /// By the owner: a child has a node of which its frames do not know yet.
    [[nodiscard]] bool stale() const noexcept { return mark_ < deque_.top() && mark_ < deque_.floor(); }

    /// By the owner: names what is above the floor, and writes the contexts into the frames from `p` on outwards (null:
    /// the frame is not known, they are written later).
    void materialize_context(promise_base* p) noexcept BIDE_EXCLUDES(lock_);
    /// By the owner, whose frame `leaf` suspends: everything is opened. `child` is the first forked frame above it.
    void open(promise_base* leaf, promise_base* child) noexcept BIDE_EXCLUDES(lock_);
    /// By the owner: shares all; it is about to block.
    void share_all() noexcept BIDE_EXCLUDES(lock_);
    /// By the owner, at the trampoline: posts what open() has left.
    void post_opened() noexcept {
        if (!opened_.empty()) [[unlikely]]
            post_opened_slowly();
    }

    /// By a hungry worker: from now on the owner shares when it forks.
    void ask() noexcept BIDE_EXCLUDES(lock_);
    /// Returns true if there is something to share. Exact for the worker that has just taken what the owner shared before.
    [[nodiscard]] bool keeps_some() noexcept BIDE_EXCLUDES(lock_);
    /// By a hungry worker: shares the oldest; it is in the executor's queue then. False: there is none.
    [[nodiscard]] bool raid() noexcept BIDE_EXCLUDES(lock_);

private:
    friend struct fork_nesting;
    friend struct fork_node;
    friend class fork_group;
    struct spare {
        spare* next;
    };
    [[nodiscard]] bool pushed_past_limit(std::uint32_t at) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] fork_step child_returned(fork_group& g, slot_base& s, std::uint32_t at) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] fork_step queue_all(fork_group& g, std::uint32_t from) noexcept BIDE_EXCLUDES(lock_);
    void post_opened_slowly() noexcept;
    [[nodiscard]] bool refill(std::uint32_t wanted) noexcept BIDE_EXCLUDES(lock_);

    /// On any thread: the node's memory goes to the reserve of the worker that runs there, or back to the heap.
    static void discard(fork_node& n) noexcept;

    fork_node& make(fork_group& g, std::uint32_t index, const context& outer) noexcept BIDE_REQUIRES(lock_);
    void give_back(fork_node& n) noexcept BIDE_REQUIRES(lock_);
    [[nodiscard]] const context& outer_of(const fork_group& g, std::uint32_t place,
                                          const fork_group* outer) const noexcept BIDE_REQUIRES(lock_);
    std::uint32_t name(std::uint32_t place) noexcept BIDE_REQUIRES(lock_);
    void name_all() noexcept BIDE_REQUIRES(lock_);
    void write_contexts(promise_base* p) noexcept BIDE_REQUIRES(lock_);
    fork_node& add_rest(fork_group& g) noexcept BIDE_REQUIRES(lock_);
    fork_node& share_oldest(std::uint32_t floor) noexcept BIDE_REQUIRES(lock_);
    [[nodiscard]] bool enough_for_oldest(std::uint32_t floor) const noexcept BIDE_REQUIRES(lock_);
    void set_limit() noexcept BIDE_REQUIRES(lock_);

    fork_deque<fork_group, std::atomic, membarrier, places> deque_;
    executor& ex_;
    const std::atomic<std::uint32_t>& hungry_;
    work_queue<ready_node>& queue_;
    spin_lock lock_;
    std::uint32_t base_ BIDE_GUARDED_BY(lock_) = 0;  // the forks below this place are shared
    // The frames of the forks below this place have the contexts of their nodes. The owner alone writes it, with the
    // lock held; so the owner reads it without.
    std::uint32_t mark_ = 0;
    std::uint32_t told_ = 0;  // the owner's: below this place thread_state::current is the child that runs
    fork_group* last_named_ BIDE_GUARDED_BY(lock_) = nullptr;
    lifo<spare, &spare::next> spares_ BIDE_GUARDED_BY(lock_);
    std::uint32_t free_ BIDE_GUARDED_BY(lock_) = 0;           // so many spares
    std::uint32_t private_named_ BIDE_GUARDED_BY(lock_) = 0;  // so many forks have a node and are not shared
    fifo<ready_node, &ready_node::next> opened_;              // the owner's: innermost first
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
