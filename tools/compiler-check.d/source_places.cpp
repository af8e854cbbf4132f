// SPDX-License-Identifier: BSL-1.0
// class: std::source_location where a promise asks for it
#include "check.hpp"

#include <source_location>

struct located {
    struct promise_type {
        static inline unsigned began = 0, awaited = 0;
        static inline bool named = false;
        located get_return_object(std::source_location here = std::source_location::current()) {
            began = here.line();
            named = std::strstr(here.function_name(), "the_coroutine") != nullptr;
            return {};
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        template <class A>
        A await_transform(A a, std::source_location here = std::source_location::current()) {
            awaited = here.line();
            return a;
        }
        void return_void() {}
        void unhandled_exception() {}
    };
};
static const unsigned coroutine_line = __LINE__ + 1;
static located the_coroutine() {
    co_await std::suspend_never();
    co_return;
}
PLAIN_CASE(line_of_the_await) {
    the_coroutine();
    expect(located::promise_type::awaited == coroutine_line + 1);
}
PLAIN_CASE(line_and_name_of_the_coroutine) {
    the_coroutine();
    expect(located::promise_type::named);
    expect(located::promise_type::began >= coroutine_line && located::promise_type::began <= coroutine_line + 3);
}
