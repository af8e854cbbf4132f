// SPDX-License-Identifier: BSL-1.0
//
// branch: a chain of its own below a task that awaits several items at once. branch_group: the branches that one frame
// awaits together.
//
// Branches and group live in the awaiting frame, or in one block beside it, and the frame is suspended until the last
// branch has ended: a branch allocates nothing but its coroutine's frame. Every branch begins through the executor's
// queue, and the awaiting frame is resumed through it, so depth costs no stack. The group's stop_state lies between the
// awaiting chain's and the branches': one request reaches all branches.
//
// A branch that ends stopped although nobody asked it to counts as failed with `cancelled`. A branch that ends with
// `cancelled` after it was asked to stop counts as stopped (2.4).
//
// Threads: start() runs on the awaiting frame's executor. A branch begins there and ends there, also if its coroutine
// has moved (resume_on). On a pool branches end on several threads at a time; the last one posts the awaiting frame.
//
// Rules (asserted):
//   B1  The awaiting frame is posted when every branch has ended: each has given up its frame and has left the live
//   list.
//   B2  A branch ends once, and is counted off once.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/countdown.hpp>
#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/detail/kernel/chain_root.hpp>
#include <bide/detail/kernel/slot.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

class branch_group;

/// Which branch decides, so that the others are stopped: the first failure, none, the first value, the first end.
enum class completion_rule : std::uint8_t { all, settled, first_success, race };
inline task_kind kind_of(completion_rule rule) noexcept {
    return rule == completion_rule::all       ? task_kind::when_all
           : rule == completion_rule::settled ? task_kind::when_all_settled
           : rule == completion_rule::race    ? task_kind::race
                                              : task_kind::first_success;
}

class branch_base : public chain_root {
public:
    branch_base(const branch_base&) = delete;
    branch_base& operator=(const branch_base&) = delete;

    [[nodiscard]] outcome how() const noexcept { return how_; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    /// For a stopped branch: why it was asked to stop.
    [[nodiscard]] stop_reason why_stopped() const noexcept { return stop.reason(); }
    /// For a failed branch: moves the failure out.
    [[nodiscard]] virtual std::exception_ptr take_failure() noexcept = 0;

protected:
    branch_base(branch_group& group, const std::source_location& where) noexcept;
    virtual ~branch_base() = default;

    [[nodiscard]] virtual slot_base& slot_of() noexcept = 0;
    virtual void settle() noexcept = 0;  // slot::settle_as_branch

    enum class content : std::uint8_t { cold_frame, nothing, result };
    content content_ = content::cold_frame;

private:
    friend class branch_group;
    static void on_due(call_node* self) noexcept;
    static void on_end(call_node* self) noexcept;
    void finish() noexcept;

    branch_group& group_;
    branch_base* next_ = nullptr;
    std::size_t index_ = 0;
    outcome how_ = outcome::stopped;
    bool late_ = false;  // failed after another branch had decided
};

class branch_group {
public:
    branch_group(const branch_group&) = delete;
    branch_group& operator=(const branch_group&) = delete;

    [[nodiscard]] bool empty() const noexcept { return branches_.empty(); }

    /// For await_suspend: detaches the awaiting frame and posts the branches in their order. The group may be gone when
    /// this returns.
    void start(promise_base& awaiting) noexcept;

protected:
    explicit branch_group(completion_rule rule) noexcept : rule_(rule) {}
    ~branch_group() = default;
    /// Returns the branch that decided: the winner, or the branch whose failure is thrown (`all`, and first_success
    /// without a value). Null: none decided. For the awaiting frame after its resumption.
    // Unanalyzed: every branch has ended, so no other thread writes it.
    [[nodiscard]] branch_base* decisive() const noexcept BIDE_UNANALYZED { return decisive_; }
    /// For a group in a block beside the awaiting frame: `free` frees the block when the frame is to be unwound.
    void set_deleter(void (*free)(branch_group* self) noexcept) noexcept { free_ = free; }

private:
    friend class branch_base;
    void add(branch_base& branch) noexcept;
    void branch_ended(branch_base& branch) noexcept BIDE_EXCLUDES(lock_);
    // Unanalyzed: the last branch calls it, and no other thread touches the group any more.
    void conclude() noexcept BIDE_UNANALYZED;

    completion_rule rule_;
    void (*free_)(branch_group* self) noexcept = nullptr;
    spin_lock lock_;
    promise_base* awaiting_ = nullptr;
    context ctx_;
    stop_state stop_;
    fifo<branch_base, &branch_base::next_> branches_;
    std::uint32_t count_ = 0;
    countdown left_{0};  // branches that have not ended
    branch_base* decisive_ BIDE_GUARDED_BY(lock_) = nullptr;
    branch_base* first_failed_ BIDE_GUARDED_BY(lock_) = nullptr;  // the first in time
};

template <class T>
class branch final : public branch_base {
public:
    /// Takes over a cold frame.
    branch(branch_group& group, promise_base* cold, const std::source_location& where) noexcept
        : branch_base(group, where), slot_(cold) {}
    ~branch() override {
        if (content_ == content::result)
            slot_.drop();
        else if (content_ == content::cold_frame)
            destroy_cold(slot_.child);
    }

    /// Moves the value out, or throws the failure.
    T take() {
        content_ = content::nothing;
        return slot_.take();
    }
    [[nodiscard]] std::exception_ptr take_failure() noexcept override {
        content_ = content::nothing;
        return slot_.take_error();
    }

private:
    [[nodiscard]] slot_base& slot_of() noexcept override { return slot_; }
    void settle() noexcept override { slot_.settle_as_branch(stop); }

    slot<T> slot_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
