// SPDX-License-Identifier: BSL-1.0
// class: exceptions in coroutines
#include "check.hpp"

#include <string>

static task<> throws_later(tracked) {
    tracked local;
    co_await park();
    throw 1;
}
static task<int> take_string(std::string s) {
    co_await park();
    co_return static_cast<int>(s.size());
}
CASE(temporaries_of_the_call) {
    bool caught = false;
    try {
        co_await throws_later(tracked());
    } catch (int) {
        caught = true;
    }
    expect(caught);
}
CASE(locals_on_the_way) {
    tracked x;
    try {
        tracked y;
        co_await park();
        throw tracked();
    } catch (const tracked& t) {
        t.use();
    }
    co_await park();
}
CASE(in_an_argument) {
    bool caught = false;
    try {
        co_await take_string((throw 1, std::string("a")));
    } catch (int) {
        caught = true;
    }
    expect(caught);
}
CASE(kept_over_a_suspension) {
    std::exception_ptr e;
    try {
        throw 7;
    } catch (...) {
        e = std::current_exception();
    }
    co_await park();
    try {
        std::rethrow_exception(e);
    } catch (int n) {
        expect(n == 7);
    }
}
struct throws_in_ready {
    throws_in_ready() {}
    bool await_ready() { throw 1; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
};
struct throws_in_suspend {
    throws_in_suspend() {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<>) { throw 2; }
    void await_resume() {}
};
struct throws_in_transfer {
    throws_in_transfer() {}
    bool await_ready() { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) { throw 3; }
    void await_resume() {}
};
struct throws_in_resume {
    throws_in_resume() {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { parked = h; }
    void await_resume() { throw 4; }
};
CASE(in_the_awaiter) {
    int sum = 0;
    try {
        co_await throws_in_ready();
    } catch (int n) {
        sum += n;
    }
    try {
        co_await throws_in_suspend();
    } catch (int n) {
        sum += n;
    }
    try {
        co_await throws_in_transfer();
    } catch (int n) {
        sum += n;
    }
    try {
        co_await throws_in_resume();
    } catch (int n) {
        sum += n;
    }
    expect(sum == 10);
}
struct refuses_copies {
    refuses_copies() {}
    refuses_copies(const refuses_copies&) { throw 5; }
    refuses_copies(refuses_copies&&) { throw 5; }
};
static task<> with_parameters(tracked, refuses_copies) { co_await park(); }
PLAIN_CASE(in_the_copy_of_a_parameter) {
    bool caught = false;
    try {
        refuses_copies r;
        drive(with_parameters(tracked(), r));
    } catch (int) {
        caught = true;
    }
    expect(caught);
}
