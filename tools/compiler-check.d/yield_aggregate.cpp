// SPDX-License-Identifier: BSL-1.0
// class: co_yield of a class without constructors that holds an object
// remedy: declare a constructor, or yield a named object
#include "check.hpp"

class sequence {
public:
    struct promise_type {
        const aggregate* now = nullptr;
        sequence get_return_object() { return sequence(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(const aggregate& a) {
            now = &a;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { ++faults; }
    };
    explicit sequence(std::coroutine_handle<promise_type> h) : h_(h) {}
    sequence(const sequence&) = delete;
    ~sequence() { h_.destroy(); }
    const aggregate* next() {
        h_.resume();
        return h_.done() ? nullptr : h_.promise().now;
    }

private:
    std::coroutine_handle<promise_type> h_;
};
static sequence named_types() {
    co_yield aggregate{tracked(), 1};
    co_yield aggregate{tracked(), 2};
}
static sequence braces_alone() {
    co_yield {tracked(), 1};
    co_yield {.n = 2};
}
static void walk(sequence s) {
    int n = 0;
    while (const aggregate* a = s.next()) {
        a->a.use();
        expect(a->n == ++n);
    }
    expect(n == 2);
}
PLAIN_CASE(named) { walk(named_types()); }
PLAIN_CASE(braces) { walk(braces_alone()); }
