// SPDX-License-Identifier: BSL-1.0
// class: a temporary of a class without constructors that holds an object, in a co_await expression
// remedy: declare a constructor (`= default` is enough), or name the object in a statement of its own
#include "check.hpp"

#include <array>

CASE(named_type) { co_await take_aggregate(aggregate{tracked(), 3}); }
CASE(braces_alone) { co_await take_aggregate({tracked(), 3}); }
CASE(designated) { co_await take_aggregate(aggregate{.a = tracked(), .n = 3}); }
CASE(designated_braces_alone) { co_await take_aggregate({.a = {}, .n = 3}); }
CASE(one_member_designated) { co_await take_aggregate({.n = 3}); }
CASE(empty_braces) { co_await take_aggregate({}); }
CASE(by_reference) { co_await take_aggregate_reference(aggregate{tracked(), 3}); }
CASE(function_object) {
    tracked x;
    struct functor {
        tracked t;
        int operator()() const {
            t.use();
            return 1;
        }
    };
    co_await call(functor{x});
}
static task<int> take_array(std::array<tracked, 2> a) {
    co_await park();
    a[0].use();
    a[1].use();
    co_return 1;
}
CASE(std_array) { co_await take_array({tracked(), tracked()}); }
CASE(std_array_named) { co_await take_array(std::array<tracked, 2>{tracked(), tracked()}); }
struct with_member_coroutine {
    tracked m;
    task<int> run(tracked t) {
        co_await park();
        m.use();
        t.use();
        co_return 1;
    }
};
CASE(its_member_is_awaited) { co_await with_member_coroutine{}.run(tracked()); }
static int plain(aggregate a) { return a.n; }
CASE(argument_of_a_plain_function_beside_an_await) {
    int n = plain({tracked(), 2}) + co_await number(1);
    expect(n == 3);
}
