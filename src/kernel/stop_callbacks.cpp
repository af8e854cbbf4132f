// SPDX-License-Identifier: BSL-1.0
//
// The hand-over between the thread that requests a stop and the threads that destroy callbacks. The requesting thread
// collects callbacks with take() while it holds the states' locks, and calls them with run() after it has released
// those locks. A destructor calls withdraw() on its own thread, and blocks there while another thread runs that
// callback.
#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
struct hand_over {
    os_mutex m;
    os_condition ended;
};
// Never destroyed: static destructors may still withdraw callbacks.
hand_over& shared() {
    static auto* h = new hand_over;
    return *h;
}
}  // namespace

os_mutex& stop_callbacks_mutex() noexcept { return shared().m; }

void stop_callbacks::take(stop_link& callback) noexcept {
    lock_guard guard(stop_callbacks_mutex());
    auto& c = static_cast<stop_callback_link&>(callback);
    c.waiting_in = this;
    any_ = true;
    waiting_.push_back(c);
}

void stop_callbacks::run() noexcept {
    if (!any_) return;  // any_, and not the list, from which another thread may be taking a callback
    unique_lock guard(stop_callbacks_mutex());
    while (!waiting_.empty()) {
        auto& c = static_cast<stop_callback_link&>(*waiting_.next);
        take_out(c);
        bool destroyed = false;
        c.running = true;
        c.runner = ::pthread_self();
        c.destroyed = &destroyed;
        guard.unlock();
        c.run(&c);
        guard.lock();
        if (!destroyed) c.running = false;
        shared().ended.notify_all();
    }
}

void stop_callbacks::take_out(stop_callback_link& c) noexcept {
    c.leave();
    c.waiting_in = nullptr;
}

void stop_callbacks::withdraw(stop_callback_link& c) noexcept {
    unique_lock guard(stop_callbacks_mutex());
    if (c.waiting_in != nullptr) {
        take_out(c);
    } else if (c.running && ::pthread_equal(c.runner, ::pthread_self()) != 0) {
        *c.destroyed = true;  // the callback destroys itself: run() must not touch it again
    } else {
        while (c.running) shared().ended.wait(guard);
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
