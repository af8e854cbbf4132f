// SPDX-License-Identifier: BSL-1.0
// class: what comes out of a co_await, and what goes into a co_return
#include "check.hpp"

static task<aggregate> make_aggregate() {
    co_await park();
    co_return aggregate{tracked(), 1};
}
static task<tracked> make_named() {
    tracked t;
    co_return t;
}
CASE(copied_into_a_variable) {
    tracked x = co_await make_tracked();
    co_await park();
    x.use();
}
CASE(named_in_the_callee) {
    tracked x = co_await make_named();
    x.use();
}
CASE(dropped) {
    co_await make_tracked();
    co_await make_tracked();
}
CASE(bound_to_a_reference) {
    const tracked& r = co_await make_tracked();
    co_await park();
    r.use();
}
CASE(aggregate_into_a_variable) {
    auto a = co_await make_aggregate();
    a.a.use();
}
CASE(member_of_an_aggregate) {
    int n = (co_await make_aggregate()).n;
    expect(n == 1);
}
CASE(aggregate_passed_on) { co_await take_aggregate(co_await make_aggregate()); }
CASE(aggregate_assigned) {
    aggregate a;
    a = co_await make_aggregate();
    a.a.use();
}
static task<tracked> chosen(bool first) { co_return first ? tracked() : tracked(1); }
static int plain(const auto& f) { return f(); }
static task<int> from_a_lambda() {
    tracked x;
    co_return plain([x] {
        x.use();
        return 1;
    });
}
CASE(conditional_returned) {
    tracked a = co_await chosen(true);
    tracked b = co_await chosen(false);
    a.use();
    b.use();
}
CASE(lambda_temporary_in_co_return) { expect(co_await from_a_lambda() == 1); }
CASE(conditional_without_an_await) {
    tracked a;
    tracked b = parked ? a : tracked();
    co_await park();
    b.use();
}
