// SPDX-License-Identifier: BSL-1.0
// class: the remedies: what to write instead of what is miscompiled elsewhere
#include "check.hpp"

#include <functional>

CASE(named_lambda_moved) {
    tracked x;
    auto f = [x] {
        x.use();
        return 1;
    };
    co_await call(std::move(f));
}
CASE(named_lambda_passed) {
    tracked x;
    auto f = [x] {
        x.use();
        return 1;
    };
    co_await call(f);
}
CASE(two_statements) {
    tracked x;
    auto t = call([x] {
        x.use();
        return 1;
    });
    co_await std::move(t);
}
CASE(arguments_instead_of_captures) {
    tracked x;
    co_await [](tracked t) -> task<> {
        co_await park();
        t.use();
    }(x);
}
CASE(bind_front_instead_of_captures) {
    tracked x;
    co_await call(std::bind_front(
        [](const tracked& t) {
            t.use();
            return 1;
        },
        x));
}
CASE(lambda_outside_of_the_await) {
    tracked x;
    auto at_once = [](auto f) { return f(); };
    at_once([x] {
        x.use();
        return 1;
    });
    co_await park();
}
CASE(aggregate_named) {
    aggregate a{tracked(), 3};
    co_await take_aggregate(std::move(a));
}
static aggregate make(int n) { return aggregate{tracked(), n}; }
CASE(aggregate_from_a_function) { co_await take_aggregate(make(3)); }
struct with_constructor {
    tracked a;
    int n;
    with_constructor(tracked t, int m) : a(std::move(t)), n(m) {}
};
static task<int> take_constructed(with_constructor w) {
    co_await park();
    w.a.use();
    co_return w.n;
}
CASE(constructor_declared) { co_await take_constructed(with_constructor(tracked(), 1)); }
static task<> if_and_else(bool first) {
    if (first)
        co_await take(tracked());
    else
        co_await take_reference(tracked());
}
CASE(if_instead_of_conditional) {
    co_await if_and_else(true);
    co_await if_and_else(false);
}
CASE(awaits_into_variables) {
    tracked a = co_await make_tracked();
    int n = co_await number(2);
    aggregate whole{std::move(a), n};
    whole.a.use();
}
