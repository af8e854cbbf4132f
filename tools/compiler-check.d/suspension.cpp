// SPDX-License-Identifier: BSL-1.0
// class: what await_suspend may do, and frames destroyed where they stand
#include "check.hpp"

#include <tuple>

static task<std::tuple<tracked, int>> make_tuple() {
    co_await park();
    co_return std::tuple<tracked, int>(tracked(), 3);
}
static task<> long_way(tracked) {
    tracked a;
    for (int i = 0; i < 2; ++i) {
        tracked b;
        auto [x, y] = co_await make_tuple();
        co_await take(tracked());
    }
}
PLAIN_CASE(destroyed_at_every_suspension) {
    for (int n = 0; n < 8; ++n) {
        drive(long_way(tracked()), n);
        expect(tracked::left_over() == 0);
    }
}
PLAIN_CASE(destroyed_before_it_began) { task<> t = long_way(tracked()); }
struct does_not_suspend {
    does_not_suspend() {}
    bool await_ready() { return false; }
    bool await_suspend(std::coroutine_handle<>) { return false; }
    int await_resume() { return 3; }
};
CASE(returns_false) { expect(co_await does_not_suspend() == 3); }

// A coroutine that nobody owns: it ends itself.
struct detached {
    struct promise_type {
        tracked t;
        detached get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        struct destroys {
            bool await_ready() noexcept { return false; }
            void await_suspend(std::coroutine_handle<promise_type> h) noexcept { h.destroy(); }
            void await_resume() noexcept {}
        };
        destroys final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { ++faults; }
    };
};
struct destroys_it {
    destroys_it() {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { h.destroy(); }
    void await_resume() {}
};
struct destroys_it_and_transfers {
    destroys_it_and_transfers() {}
    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) {
        h.destroy();
        return std::noop_coroutine();
    }
    void await_resume() {}
};
static detached ends_itself(tracked) {
    tracked local;
    co_await park();
}
static detached is_destroyed(tracked) {
    tracked local;
    co_await destroys_it();
}
static detached is_destroyed_later(tracked) {
    tracked local;
    co_await park();
    tracked another;
    co_await destroys_it_and_transfers();
}
PLAIN_CASE(destroys_at_the_end) {
    ends_itself(tracked());
    std::exchange(parked, {}).resume();
}
PLAIN_CASE(destroys_in_await_suspend) { is_destroyed(tracked()); }
PLAIN_CASE(destroys_and_transfers) {
    is_destroyed_later(tracked());
    std::exchange(parked, {}).resume();
}
