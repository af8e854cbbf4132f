// SPDX-License-Identifier: BSL-1.0
// class: an awaiter without constructors that holds an object, made in the co_await expression
// remedy: declare a constructor on every awaitable and awaiter
#include "check.hpp"

struct awaiter {
    tracked t;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { parked = h; }
    int await_resume() {
        t.use();
        return 1;
    }
};
CASE(awaiter_temporary) { co_await awaiter{tracked()}; }
struct awaitable {
    tracked t;
    awaiter operator co_await() const { return awaiter{t}; }
};
CASE(awaitable_temporary) { co_await awaitable{tracked()}; }
