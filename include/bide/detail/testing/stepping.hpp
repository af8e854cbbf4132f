// SPDX-License-Identifier: BSL-1.0
//
// stepping: an executor on top of a loop that counts what it hands on to it, and asks a future's producer to stop at
// one of these places. It changes nothing in the order: the node that asks is queued right before the n-th one, or
// right after it, and the loop runs them all.
#pragma once

#include <bide/detail/kernel/kernel.hpp>
#include <bide/executor.hpp>

#include <atomic>
#include <cstddef>
#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

class future_base;

class stepping final : public executor {
public:
    /// `point`: 2n - 1 is before the n-th node, 2n after it; 0: nowhere.
    stepping(loop& base, std::size_t point) noexcept;
    ~stepping() override { retire(); }

    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return base_; }
    [[nodiscard]] const char* name() const noexcept override { return "sweep"; }

    /// What is asked to stop; named before the loop runs.
    void stops(future_base& producer) noexcept { producer_ = &producer; }
    /// When all tasks have ended, before what is to be stopped goes: runs the loop until no node of ours is queued.
    void finish() noexcept;
    /// So far.
    [[nodiscard]] std::size_t points() const noexcept;
    /// Whether the point was reached.
    [[nodiscard]] bool stopped() const noexcept;

private:
    struct asking final : call_node {
        stepping& owner;
        explicit asking(stepping& s) noexcept : call_node(&asking::ask), owner(s) {}
        static void ask(call_node* self) noexcept;
    };
    loop& base_;
    const std::size_t point_;
    future_base* producer_ = nullptr;
    asking asks_;
    std::atomic<std::size_t> posted_{0};
    std::atomic<bool> due_{false};  // the node that asks is queued, or is about to be
    std::atomic<bool> asked_{false};
};

/// `failed` null: the run that nobody stopped did not end with a value.
[[noreturn]] void throw_sweep_failed(std::size_t point, std::size_t points, const std::exception_ptr& failed);

}  // namespace detail
}  // namespace v0
}  // namespace bide
