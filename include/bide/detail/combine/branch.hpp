// SPDX-License-Identifier: BSL-1.0
//
// branch: a chain of its own below a task that awaits several at once; branch_group: those that are awaited together.
//
// Branches and group live in the awaiting frame, which is suspended until the last branch has ended: nothing is
// allocated per branch but its frame. Every branch begins through the queue, and the awaiting frame goes on through it,
// so depth costs no stack. The group's stop request stands between the awaiting chain's and the branches': one request
// reaches all.
//
// A branch that ends stopped without having been asked to is taken for a failure, `cancelled`. Leaving with `cancelled`
// after having been asked counts as stopped (2.4).
#pragma once

#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/detail/kernel/task_node.hpp>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

class branch_group;

/// What decides: the first failure, nothing, the first value, the first end.
enum class completion_rule : std::uint8_t { all, settled, first_success, race };
inline task_kind kind_of(completion_rule rule) noexcept {
    return rule == completion_rule::all       ? task_kind::when_all
           : rule == completion_rule::settled ? task_kind::when_all_settled
           : rule == completion_rule::race    ? task_kind::race
                                              : task_kind::first_success;
}

class branch_base : public task_node, public child_end, public call_node {
public:
    branch_base(const branch_base&) = delete;
    branch_base& operator=(const branch_base&) = delete;

    [[nodiscard]] outcome how() const noexcept { return how_; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    /// Why it was asked to stop; for one that was stopped.
    [[nodiscard]] stop_reason why_stopped() const noexcept { return stop.reason(); }
    /// Its failure, taken out.
    [[nodiscard]] virtual std::exception_ptr take_failure() noexcept = 0;

protected:
    branch_base(branch_group& group, const std::source_location& where) noexcept;
    virtual ~branch_base() = default;

    [[nodiscard]] virtual slot_base& slot_of() noexcept = 0;
    [[nodiscard]] virtual bool failed_with_cancelled() const noexcept = 0;
    virtual void set_failure(std::exception_ptr e) noexcept = 0;

    enum class content : std::uint8_t { cold_frame, nothing, result };
    content content_ = content::cold_frame;

private:
    friend class branch_group;
    static void on_due(call_node* self) noexcept;
    static void on_ended(child_end* self, slot_base*) noexcept;
    static void on_returned(call_node* self) noexcept;
    void finish() noexcept;

    branch_group& group_;
    branch_base* next_ = nullptr;
    std::size_t index_ = 0;
    outcome how_ = outcome::stopped;
    bool late_ = false;  // failed after all was decided
};

class branch_group {
public:
    branch_group(const branch_group&) = delete;
    branch_group& operator=(const branch_group&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    /// For await_suspend: starts the branches in their order. Nothing of it may be touched any more.
    void start(promise_base& awaiting) noexcept;

protected:
    explicit branch_group(completion_rule rule) noexcept : rule_(rule) {}
    ~branch_group() = default;
    /// The branch that decided: the failure to throw (all; first_success without one), the winner.
    [[nodiscard]] branch_base* decisive() const noexcept { return decisive_; }
    /// It lies in a block beside the awaiting frame, which `free` gives back when that frame is unwound.
    void set_deleter(void (*free)(branch_group* self) noexcept) noexcept { free_ = free; }

private:
    friend class branch_base;
    void add(branch_base& branch) noexcept;
    void branch_ended(branch_base& branch) noexcept;
    void conclude() noexcept;

    completion_rule rule_;
    void (*free_)(branch_group* self) noexcept = nullptr;
    spin_lock lock_;
    promise_base* awaiting_ = nullptr;
    context ctx_;
    stop_state stop_;
    branch_base* first_ = nullptr;
    branch_base* last_ = nullptr;
    std::size_t count_ = 0;
    std::atomic<std::size_t> left_{0};
    branch_base* decisive_ = nullptr;      // under the lock
    branch_base* first_failed_ = nullptr;  // in time; under the lock
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

    /// The value, or its failure thrown.
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
    [[nodiscard]] bool failed_with_cancelled() const noexcept override { return is_cancelled(slot_.error); }
    void set_failure(std::exception_ptr e) noexcept override { slot_.fail(std::move(e)); }

    slot<T> slot_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
