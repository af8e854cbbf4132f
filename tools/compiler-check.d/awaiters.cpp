// SPDX-License-Identifier: BSL-1.0
// class: awaiters that can be neither copied nor moved
// remedy: let await_transform and operator co_await return awaiters by value, never by rvalue reference
// each: made_by_operator made_by_await_transform variable moved_variable
#include "check.hpp"

struct awaiter {
    tracked t;
    awaiter() {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        t.use();
        parked = h;
    }
    void await_resume() { t.use(); }
};
#ifdef EACH_made_by_operator
struct awaitable {
    awaitable() {}
    awaiter operator co_await() const { return awaiter(); }
};
CASE(made_by_operator) { co_await awaitable(); }
#endif
#ifdef EACH_made_by_await_transform
struct transforming {
    struct promise_type {
        transforming get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        awaiter await_transform(int) { return awaiter(); }
        void return_void() {}
        void unhandled_exception() { ++faults; }
    };
};
static transforming awaits_a_number() { co_await 1; }
PLAIN_CASE(made_by_await_transform) {
    awaits_a_number();
    std::exchange(parked, {}).resume();
}
#endif
#ifdef EACH_variable
CASE(variable) {
    awaiter a;
    co_await a;
}
#endif
#ifdef EACH_moved_variable
CASE(moved_variable) {
    awaiter a;
    co_await std::move(a);
}
#endif
