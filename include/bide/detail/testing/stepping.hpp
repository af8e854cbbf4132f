// SPDX-License-Identifier: BSL-1.0
//
// stepping: an executor that posts every node to a loop, counts the nodes, and at one of them requests a stop of a
// future's producer. It keeps the order: the node that requests the stop is queued directly before the n-th node, or
// directly after it, and the loop runs them all.
//
// Thread rule: post() from any thread. The rest belongs to the thread of sweep_cancellation, which runs the loop.
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
    /// `point` 2n - 1 is directly before the n-th node, 2n directly after it; 0 is nowhere.
    stepping(loop& base, std::size_t point) noexcept;
    ~stepping() override { retire(); }

    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return base_; }
    [[nodiscard]] const char* name() const noexcept override { return "sweep"; }

    /// Names the future whose producer is to be stopped. Called before the loop runs.
    void stops(future_base& producer) noexcept { producer_ = &producer; }
    /// Runs the loop until no node of this executor is queued. Called when all tasks have ended, before the future
    /// goes.
    void finish() noexcept;
    /// Returns the number of points so far.
    [[nodiscard]] std::size_t points() const noexcept;
    /// Returns true if the stop was requested.
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
    std::atomic<bool> due_{false};  // the node that requests the stop is queued, or is about to be
    std::atomic<bool> asked_{false};
};

/// Throws what sweep_cancellation reports. A null `failed`: the run without a stop did not end with a value.
[[noreturn]] void throw_sweep_failed(std::size_t point, std::size_t points, const std::exception_ptr& failed);

}  // namespace detail
}  // namespace v0
}  // namespace bide
