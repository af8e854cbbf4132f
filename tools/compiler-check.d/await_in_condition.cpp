// SPDX-License-Identifier: BSL-1.0
// class: a condition that awaits, in a coroutine without a local variable
// remedy: declare a variable before it (bide needs no remedy: it finds such frames)
#include "check.hpp"

static task<int> in_if(int n) {
    if (co_await number(n) == 1) co_return 10;
    co_return 20;
}
static task<int> in_while(int n) {
    while (co_await number(n) != 3) ++n;
    co_return n;
}
static task<int> in_do(int n) {
    do ++n;
    while (co_await number(n) < 3);
    co_return n;
}
static task<int> in_for(int n) {
    for (; co_await number(n) != 3;) ++n;
    co_return n;
}
static task<int> in_switch(int n) {
    switch (co_await number(n)) {
        case 1:
            co_return 10;
        default:
            co_return 20;
    }
}
static task<int> in_a_block(int n) {
    {
        if (co_await number(n) == 1) co_return 10;
    }
    co_return 20;
}
static task<int> beside_a_variable(int n) {
    int ten = 10;
    if (co_await number(n) == 1) co_return ten;
    co_return 20;
}
CASE(if_) {
    expect(co_await in_if(1) == 10);
    expect(co_await in_if(2) == 20);
}
CASE(while_) { expect(co_await in_while(1) == 3); }
CASE(do_) { expect(co_await in_do(0) == 3); }
CASE(for_) { expect(co_await in_for(1) == 3); }
CASE(switch_) {
    expect(co_await in_switch(1) == 10);
    expect(co_await in_switch(2) == 20);
}
CASE(in_a_block) { expect(co_await in_a_block(1) == 10); }
CASE(beside_a_variable) { expect(co_await beside_a_variable(1) == 10); }
