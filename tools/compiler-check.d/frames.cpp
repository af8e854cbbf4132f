// SPDX-License-Identifier: BSL-1.0
// class: where a frame lives, and what is in it
// each: allocator_arguments empty_members failed_allocation
#include "check.hpp"

#include <string>

// These suspend: an allocation that is seen not to be needed may be left out.
#ifdef EACH_allocator_arguments
struct tagged {
    struct promise_type {
        static inline int tag = 0;
        template <class... A>
        static void* operator new(std::size_t n, int t, const A&...) {
            tag = t;
            return ::operator new(n);
        }
        static void operator delete(void* p, std::size_t) { ::operator delete(p); }
        tagged get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
static tagged with_arguments(int, std::string, tracked) { co_await park(); }
PLAIN_CASE(allocator_arguments) {
    with_arguments(42, "x", tracked());
    std::exchange(parked, {}).resume();
    expect(tagged::promise_type::tag == 42);
}
#endif
#ifdef EACH_empty_members
struct nothing {};
struct with_empty_members {
    [[no_unique_address]] nothing e;
    int x = 7;
    [[no_unique_address]] std::suspend_always s;
    with_empty_members() {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { parked = h; }
    int await_resume() { return x; }
};
static task<int> copies(with_empty_members n) {
    with_empty_members m = n;
    co_await park();
    co_return m.x;
}
CASE(empty_members) {
    expect(co_await with_empty_members() == 7);
    expect(co_await copies(with_empty_members()) == 7);
}
#endif
#ifdef EACH_failed_allocation
struct may_fail {
    bool there;
    struct promise_type {
        static void* operator new(std::size_t) noexcept { return nullptr; }
        static void operator delete(void*, std::size_t) noexcept {}
        static may_fail get_return_object_on_allocation_failure() { return {false}; }
        may_fail get_return_object() { return {true}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
static may_fail has_no_frame() { co_await park(); }
PLAIN_CASE(failed_allocation) { expect(!has_no_frame().there); }
#endif
