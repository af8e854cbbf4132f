// SPDX-License-Identifier: BSL-1.0
//
// User callbacks of a stop request: collected under the states' locks, run after them. A callback that is destroyed
// while it waits for its turn is taken out; one that is destroyed on another thread while it runs waits for its end.
// One process-wide mutex guards the hand-over: requests with callbacks are rare, and it is never held while one runs.
#pragma once

#include <bide/detail/kernel/stop_state.hpp>

#include <pthread.h>

namespace bide {
inline namespace v0 {
namespace detail {

class stop_callbacks;

struct stop_callback_link : stop_link {
    void (*run)(stop_callback_link* self) noexcept;
    stop_callbacks* waiting_in = nullptr;  // below: under the mutex
    bool running = false;
    pthread_t runner{};
    bool* destroyed = nullptr;  // told when the callback destroys itself
    explicit stop_callback_link(void (*f)(stop_callback_link*) noexcept) noexcept : run(f) {}
};

class stop_callbacks {
public:
    stop_callbacks() noexcept { waiting_.begin(); }
    stop_callbacks(const stop_callbacks&) = delete;
    stop_callbacks& operator=(const stop_callbacks&) = delete;

    void take(stop_link& callback) noexcept;
    void run() noexcept;

    /// For the destructor of a callback that is no longer in its state's list.
    static void withdraw(stop_callback_link& callback) noexcept;

private:
    static void take_out(stop_callback_link& callback) noexcept;  // under the mutex

    circular_link waiting_;  // in the order in which they were registered
    bool any_ = false;       // were taken; the requester's own
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
