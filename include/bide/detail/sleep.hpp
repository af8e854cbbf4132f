// SPDX-License-Identifier: BSL-1.0
//
// The leaves of time: a timer of the carrier loop, and a place at the end of the queue.
#pragma once

#include <bide/detail/leaf.hpp>
#include <bide/detail/timer_heap.hpp>

#include <chrono>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

inline constexpr wait_kind sleep_kind{"sleep"};
inline constexpr wait_kind yield_kind{"turn of the queue"};

// A leaf whose object is the loop that carries the timer; a million sleepers pay for each of its words.
struct sleep_leaf : leaf {
    sleep_leaf(promise_base& p, loop& carrier) noexcept : leaf(p, sleep_kind, &carrier) {}
    [[nodiscard]] loop& carrier() const noexcept { return *static_cast<loop*>(const_cast<void*>(object)); }
    bool ahead = false;  // the time is not yet there, without a look at the clock
};

class sleep_awaiter final : public leaf_awaiter<sleep_awaiter, sleep_leaf>, public timer_node {
public:
    sleep_awaiter(promise_base& p, std::chrono::steady_clock::duration d) noexcept;  // from now
    sleep_awaiter(promise_base& p, std::chrono::steady_clock::time_point t) noexcept;
    ~sleep_awaiter() {
        if (who != nullptr) [[unlikely]]
            take_back();
    }
    [[nodiscard]] bool try_now() noexcept;
    [[nodiscard]] bool park() noexcept;
    void await_resume() noexcept { who = nullptr; }

private:
    static void on_time(timer_node* t) noexcept;
    void take_back() noexcept;
};

/// Whoever runs now has only yielded, and goes on at `to`. Where time jumps, everybody having only yielded is idleness.
/// An executor that runs in the turns of another one passes it on, with the number of turns in which all of its own
/// tasks have theirs.
void note_yield(executor& to, std::uint64_t turns) noexcept;

class yield_awaiter final : public leaf {
public:
    explicit yield_awaiter(promise_base& p) noexcept : leaf(p, yield_kind, nullptr) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<Promise>) noexcept {
        suspend();
        return true;
    }
    void await_resume() const noexcept {}

private:
    void suspend() noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
