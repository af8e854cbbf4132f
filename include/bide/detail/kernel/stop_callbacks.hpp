// SPDX-License-Identifier: BSL-1.0
//
// User callbacks of a stop request. The requesting thread collects them under the states' locks, and calls them after
// it has released those. The destructor of a callback that waits for its turn takes it out of the list; the destructor
// of one that runs on another thread blocks until that call has returned. One process-wide mutex guards the hand-over,
// because requests with callbacks are rare; it is not held while a callback runs.
#pragma once

#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/kernel/stop_state.hpp>

#include <pthread.h>

namespace bide {
inline namespace v0 {
namespace detail {

class stop_callbacks;

/// The process-wide mutex of the hand-over.
[[nodiscard]] os_mutex& stop_callbacks_mutex() noexcept;

struct stop_callback_link : stop_link {
    void (*run)(stop_callback_link* self) noexcept;
    stop_callbacks* waiting_in BIDE_GUARDED_BY(stop_callbacks_mutex()) = nullptr;
    bool running BIDE_GUARDED_BY(stop_callbacks_mutex()) = false;
    pthread_t runner BIDE_GUARDED_BY(stop_callbacks_mutex()){};
    bool* destroyed BIDE_GUARDED_BY(stop_callbacks_mutex()) = nullptr;  // set to true when the callback destroys itself
    explicit stop_callback_link(void (*f)(stop_callback_link*) noexcept) noexcept : run(f) {}
};

class stop_callbacks {
public:
    stop_callbacks() noexcept { waiting_.begin(); }
    stop_callbacks(const stop_callbacks&) = delete;
    stop_callbacks& operator=(const stop_callbacks&) = delete;

    void take(stop_link& callback) noexcept BIDE_EXCLUDES(stop_callbacks_mutex());
    void run() noexcept BIDE_EXCLUDES(stop_callbacks_mutex());

    /// The destructor of a callback that its state's list does not hold any more calls it.
    static void withdraw(stop_callback_link& callback) noexcept BIDE_EXCLUDES(stop_callbacks_mutex());

private:
    static void take_out(stop_callback_link& callback) noexcept BIDE_REQUIRES(stop_callbacks_mutex());

    circular_link waiting_ BIDE_GUARDED_BY(stop_callbacks_mutex());  // in the order in which they were registered
    bool any_ = false;  // true once a callback was taken; only the requesting thread uses it
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
