// SPDX-License-Identifier: BSL-1.0
//
// A condition variable for threads that hold an os_mutex by a unique_lock. Like every condition variable it may wake a
// thread that nobody notified: the waiting thread looks at its condition again.
#pragma once

#include <bide/detail/base/os_mutex.hpp>

#include <condition_variable>

namespace bide {
inline namespace v0 {
namespace detail {

class os_condition {
public:
    void wait(unique_lock<os_mutex>& held) {
        adopted native(held);
        changed_.wait(native.lock);
    }
    template <class Predicate>
    void wait(unique_lock<os_mutex>& held, Predicate done) {
        while (!done()) wait(held);
    }
    template <class Rep, class Period>
    std::cv_status wait_for(unique_lock<os_mutex>& held, const std::chrono::duration<Rep, Period>& d) {
        adopted native(held);
        return changed_.wait_for(native.lock, d);
    }
    template <class Clock, class Duration>
    std::cv_status wait_until(unique_lock<os_mutex>& held, const std::chrono::time_point<Clock, Duration>& t) {
        adopted native(held);
        return changed_.wait_until(native.lock, t);
    }
    /// Returns what `done` returned last: false only when the time is up.
    template <class Clock, class Duration, class Predicate>
    bool wait_until(unique_lock<os_mutex>& held, const std::chrono::time_point<Clock, Duration>& t, Predicate done) {
        while (!done())
            if (wait_until(held, t) == std::cv_status::timeout) return done();
        return true;
    }
    template <class Rep, class Period, class Predicate>
    bool wait_for(unique_lock<os_mutex>& held, const std::chrono::duration<Rep, Period>& d, Predicate done) {
        return wait_until(held, std::chrono::steady_clock::now() + d, done);
    }
    void notify_one() noexcept { changed_.notify_one(); }
    void notify_all() noexcept { changed_.notify_all(); }

private:
    // The standard library's guard of the lock; the caller's unique_lock still owns the lock afterwards.
    struct adopted {
        std::unique_lock<std::mutex> lock;
        explicit adopted(unique_lock<os_mutex>& held) : lock(held.mutex().native(), std::adopt_lock) {}
        adopted(const adopted&) = delete;
        adopted& operator=(const adopted&) = delete;
        ~adopted() { lock.release(); }
    };
    std::condition_variable changed_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
