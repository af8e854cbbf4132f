// SPDX-License-Identifier: BSL-1.0
// class: coroutines that are members, virtual, recursive or variadic
#include "check.hpp"

#include <memory>

struct base {
    virtual task<int> run(tracked) = 0;
    virtual ~base() = default;
};
struct derived final : base {
    task<int> run(tracked t) override {
        co_await park();
        t.use();
        co_return 1;
    }
};
struct object {
    tracked m;
    object() {}
    task<> member() {
        co_await park();
        m.use();
    }
    task<> operator()(tracked t) {
        co_await park();
        t.use();
        m.use();
    }
};
template <class... A>
static task<int> count(A&&... a) {
    co_await park();
    (a.use(), ...);
    co_return static_cast<int>(sizeof...(a));
}
CASE(virtual_function) {
    std::unique_ptr<base> p = std::make_unique<derived>();
    expect(co_await p->run(tracked()) == 1);
}
CASE(member_and_call_operator) {
    object o;
    co_await o(tracked());
    co_await o.member();
}
CASE(of_a_temporary) { co_await object().member(); }
CASE(pointer_to_member) {
    object o;
    auto f = &object::member;
    co_await (o.*f)();
}
CASE(forwarded_pack) { expect(co_await count(tracked(), tracked()) == 2); }
CASE(generic_lambda) {
    auto f = [](auto... xs) -> task<int> {
        co_await park();
        (xs.use(), ...);
        co_return static_cast<int>(sizeof...(xs));
    };
    expect(co_await f(tracked(), tracked(), tracked()) == 3);
}
CASE(recursive_lambda) {
    auto f = [](auto& self, int n) -> task<> {
        tracked t;
        if (n != 0) co_await self(self, n - 1);
        co_await park();
        t.use();
    };
    co_await f(f, 5);
}
CASE(lambda_called_at_once_with_arguments) {
    tracked x;
    co_await [](tracked t) -> task<> {
        co_await park();
        t.use();
    }(x);
}
