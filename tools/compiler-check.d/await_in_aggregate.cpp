// SPDX-License-Identifier: BSL-1.0
// class: a class without constructors that is initialised from co_await
// remedy: await into variables first
#include "check.hpp"

#include <memory>

static task<aggregate> make_aggregate() {
    co_await park();
    co_return aggregate{tracked(), 1};
}
CASE(braces) {
    aggregate a{co_await make_tracked(), co_await number(2)};
    a.a.use();
}
CASE(parentheses) {
    aggregate a(co_await make_tracked(), co_await number(2));
    a.a.use();
}
CASE(designated) {
    aggregate a{.a = co_await make_tracked(), .n = co_await number(2)};
    a.a.use();
}
CASE(in_new) {
    std::unique_ptr<aggregate> p(new aggregate{co_await make_tracked(), 1});
    p->a.use();
}
CASE(in_new_from_a_whole) {
    std::unique_ptr<aggregate> p(new aggregate{co_await make_aggregate()});
    p->a.use();
}
CASE(array_of_objects) {
    tracked list[] = {co_await make_tracked(), co_await make_tracked()};
    list[0].use();
    list[1].use();
}
CASE(array_of_numbers) {
    int list[] = {co_await number(1), co_await number(2)};
    expect(list[0] == 1 && list[1] == 2);
}
struct numbers {
    int a, b;
};
CASE(numbers_only) {
    numbers n{co_await number(1), co_await number(2)};
    expect(n.a == 1 && n.b == 2);
}
