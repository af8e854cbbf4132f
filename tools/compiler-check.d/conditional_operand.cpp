// SPDX-License-Identifier: BSL-1.0
// class: a conditional operator that chooses what a co_await awaits
// remedy: write if and else
#include "check.hpp"

static task<> choose(bool first) { co_await (first ? take(tracked()) : take_reference(tracked())); }
static task<> choose_ready(bool first) {
    int n = co_await (first ? number(1) : number(2));
    expect(n == (first ? 1 : 2));
}
CASE(first) { co_await choose(true); }
CASE(second) { co_await choose(false); }
CASE(first_ready) { co_await choose_ready(true); }
CASE(second_ready) { co_await choose_ready(false); }
