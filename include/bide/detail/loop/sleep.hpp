// SPDX-License-Identifier: BSL-1.0
//
// The awaiters of sleep_for, sleep_until and yield_now. A sleep is a leaf with a timer in the carrier loop; a yield
// goes to the end of the executor's queue.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/loop/timer_heap.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

inline constexpr wait_kind sleep_kind{"sleep"};

struct sleep_leaf : leaf_base {
    sleep_leaf(promise_base& p, loop& on) noexcept : leaf_base(p, sleep_kind), carrier(on) {}
    loop& carrier;       // the loop that has the timer
    bool ahead = false;  // the time is in the future, as is known without a look at the clock
};

class sleep_awaiter final : public leaf_awaiter<sleep_awaiter, sleep_leaf>, public timer_node {
public:
    sleep_awaiter(promise_base& p, std::chrono::steady_clock::duration d) noexcept;  // from now
    sleep_awaiter(promise_base& p, std::chrono::steady_clock::time_point t) noexcept;
    ~sleep_awaiter() {
        if (frame != nullptr) [[unlikely]]
            take_back();
    }
    [[nodiscard]] bool try_now() noexcept;
    [[nodiscard]] bool park() noexcept;
    void await_resume() noexcept { frame = nullptr; }

private:
    static void on_time(timer_node* t) noexcept;
    void take_back() noexcept;
};

/// Notes that the task that runs now has only yielded and is resumed on `to`. In virtual time a loop counts as idle
/// when every ready task has only yielded. An executor that runs in the turns of another one passes the note on, with
/// the number of turns after which each of its own tasks has run.
void note_yield(executor& to, std::uint64_t turns) noexcept;

class yield_awaiter final {
public:
    explicit yield_awaiter(promise_base& p) noexcept : who_(&p) {}
    yield_awaiter(const yield_awaiter&) = delete;
    yield_awaiter& operator=(const yield_awaiter&) = delete;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<>) const noexcept;
    void await_resume() const noexcept {}

private:
    promise_base* const who_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
