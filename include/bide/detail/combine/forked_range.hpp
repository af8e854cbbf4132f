// SPDX-License-Identifier: BSL-1.0
//
// The awaiter of when_all over a range. It works as that of forked.hpp does, with the slots in one block.
#pragma once

#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/combine/forked.hpp>
#include <bide/detail/kernel/frame.hpp>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// An array of slots, whose memory comes from the thread's blocks, as that of frames does (frame.hpp).
template <class T>
class slot_block {
    static constexpr bool aligned_as_frames = alignof(slot<T>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;

public:
    slot_block() = default;
    slot_block(const slot_block&) = delete;
    slot_block& operator=(const slot_block&) = delete;
    ~slot_block() {  // slots need no destructor
        if (first_ == nullptr) return;
        if constexpr (aligned_as_frames)
            frame_free(first_, bytes_);
        else
            ::operator delete(first_, std::align_val_t(alignof(slot<T>)));
    }
    void make(std::uint32_t n) {
        bytes_ = n * sizeof(slot<T>);
        void* memory = nullptr;
        if constexpr (aligned_as_frames)
            memory = node_alloc(bytes_);
        else
            memory = ::operator new(bytes_, std::align_val_t(alignof(slot<T>)));
        first_ = static_cast<slot<T>*>(memory);
        for (std::uint32_t i = 0; i < n; ++i) ::new (static_cast<void*>(first_ + i)) slot<T>();
    }
    [[nodiscard]] slot<T>& operator[](std::uint32_t i) const noexcept { return first_[i]; }

private:
    slot<T>* first_ = nullptr;
    std::size_t bytes_ = 0;
};

template <class T>
class forked_range_awaiter final : public fork_group {
    // More children than this are branches from the beginning: a fork stack has room for `places` children in all.
    static constexpr std::size_t forked_at_most = fork_stack::places / 4;
    using block = heap_branches<range_branches<T>>;

public:
    using result = std::vector<element_t<T>>;

    forked_range_awaiter(promise_base& p, std::vector<task<T>>&& items) noexcept
        : fork_group(p), items_(std::move(items)), count_(static_cast<std::uint32_t>(items_.size())) {}
    ~forked_range_awaiter() {
        if (held_) drop_values();
    }

    [[nodiscard]] bool await_ready() const noexcept { return count_ == 0; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) {
        const fork_stack* const forks = tls().forks;
        if (forks == nullptr || &forks->where() != awaiting->ctx->ex || items_.size() > forked_at_most) {
            apart_ = new block(std::move(items_), awaiting->where);
            apart_->start(*awaiting);
            return true;
        }
        slots_.make(count_);  // may throw: no child has begun
        for (std::uint32_t i = 0; i < count_; ++i) slots_[i].child = items_[i].release(awaiting->where);
        for (std::uint32_t i = 0; i + 1 < count_; ++i) {
            next = i + 1;
            const fork_step how = fork_nested(*this, slots_[i], count_ - i);
            if (how == fork_step::next) [[likely]]
                continue;
            if (how == fork_step::no_memory) give_up(i);
            return how == fork_step::suspended;
        }
        held_ = true;
        return start_nested(slots_[count_ - 1].prepare(awaiting, awaiting->ctx, attached));
    }
    result await_resume() {
        if (apart_ != nullptr) return take_apart();
        held_ = false;
        for (std::uint32_t i = 0; i < count_; ++i)
            if (slots_[i].state != outcome::value) [[unlikely]]
                std::rethrow_exception(take_failure());
        held_ = true;  // if the result's memory cannot be had, the destructor drops the values
        result values;
        values.reserve(count_);
        for (std::uint32_t i = 0; i < count_; ++i) {
            struct taken {  // marks the slot as empty, also if moving the value throws
                slot_base& s;
                ~taken() { s.state = outcome::stopped; }
            } const at_end{slots_[i]};
            if constexpr (std::is_void_v<T>) {
                slots_[i].take();
                values.emplace_back();
            } else {
                values.push_back(slots_[i].take());
            }
        }
        held_ = false;
        return values;
    }

private:
    [[noreturn, gnu::noinline, gnu::cold]] void give_up(std::uint32_t from) {
        never_begin(from);
        drop_values();
        throw std::bad_alloc();
    }
    [[gnu::noinline]] result take_apart() {
        const owned_ptr<block> from(std::exchange(apart_, nullptr));
        if (branch_base* const failed = from->decisive()) std::rethrow_exception(failed->take_failure());
        result values;
        values.reserve(count_);
        for (branch<T>& c : from->all()) values.push_back(take_element(c));
        return values;
    }

    [[nodiscard]] std::uint32_t count() const noexcept override { return count_; }
    [[nodiscard]] slot_base& at(std::uint32_t index) noexcept override { return slots_[index]; }
    void drop(std::uint32_t index) noexcept override { slots_[index].drop(); }
    void settle(std::uint32_t index, const stop_state& asked) noexcept override {
        slots_[index].settle_as_branch(asked);
    }
    [[nodiscard]] std::exception_ptr take_error(std::uint32_t index) noexcept override {
        return slots_[index].take_error();
    }

    std::vector<task<T>> items_;
    slot_block<T> slots_;
    block* apart_ = nullptr;
    std::uint32_t count_;
    bool held_ = false;
};

/// What when_all(range) returns.
template <class T>
class [[nodiscard("the items run only when they are awaited or waited for")]] all_of_range {
public:
    using awaited_once = void;
    explicit all_of_range(std::vector<task<T>> items) noexcept : items_(std::move(items)) {}

    /// Blocks until every item has ended. See wait.hpp.
    std::vector<element_t<T>> wait(std::source_location where = std::source_location::current()) {
        return as_task(std::move(*this)).wait(where);
    }

    // Internal.
    [[nodiscard]] forked_range_awaiter<T> native_awaiter(promise_base& p) {
        range_branches<T>::check(items_, p.where);
        return forked_range_awaiter<T>(p, std::move(items_));
    }

private:
    std::vector<task<T>> items_;
};

template <class R>
auto fork_all_of(R&& items) {
    auto tasks = tasks_of_range(std::forward<R>(items));
    return all_of_range<typename decltype(tasks)::value_type::value_type>(std::move(tasks));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
