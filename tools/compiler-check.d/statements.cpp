// SPDX-License-Identifier: BSL-1.0
// class: co_await in the heads of statements
#include "check.hpp"

#include <tuple>
#include <vector>

static task<std::tuple<tracked, int>> make_tuple() {
    co_await park();
    co_return std::tuple<tracked, int>(tracked(), 3);
}
static task<std::vector<tracked>> make_vector() {
    co_await park();
    co_return std::vector<tracked>(2);
}
CASE(while_loop) {
    int i = 0;
    while ((co_await take(tracked())) && ++i < 3) {}
    expect(i == 3);
}
CASE(for_loop) {
    int i = 0;
    for (; i < co_await number(3); ++i) {
        tracked x;
        co_await park();
    }
    expect(i == 3);
}
CASE(switch_statement) {
    switch (co_await take(tracked())) {
        case 1: {
            tracked y;
            co_await park();
            break;
        }
        default:
            expect(false);
    }
}
CASE(if_with_initialiser) {
    for (int i = 0; i < 2; ++i)
        if (tracked x; co_await take_reference(x)) co_await park();
}
CASE(range_for) {
    for (const tracked& x : co_await make_vector()) {
        x.use();
        co_await park();
    }
}
CASE(structured_binding) {
    for (int i = 0; i < 3; ++i) {
        auto [a, b] = co_await make_tuple();
        a.use();
        expect(b == 3);
        co_await park();
    }
}
CASE(structured_binding_by_reference) {
    auto&& [a, b] = co_await make_tuple();
    co_await park();
    a.use();
    expect(b == 3);
}
