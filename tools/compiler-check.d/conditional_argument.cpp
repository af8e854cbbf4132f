// SPDX-License-Identifier: BSL-1.0
// class: a conditional operator of class type in an argument, in a co_await expression
// remedy: name the argument in a statement of its own
#include "check.hpp"

#include <string>

static task<int> length(std::string s) {
    co_await park();
    co_return static_cast<int>(s.size());
}
static task<> temporary(bool first) { co_await take(first ? tracked() : tracked(1)); }
static task<> temporary_reference(bool first) { co_await take_reference(first ? tracked() : tracked(1)); }
static task<> one_named(bool first) {
    tracked named;
    co_await take(first ? named : tracked());
}
static task<> strings(bool first) {
    int n = co_await length(first ? std::string(50, 'x') : std::string(60, 'y'));
    expect(n == (first ? 50 : 60));
}
static task<> literals(bool first) {
    int n = co_await length(first ? "a first text that is long enough" : "another one");
    expect(n == (first ? 32 : 11));
}
CASE(temporary_first) { co_await temporary(true); }
CASE(temporary_second) { co_await temporary(false); }
CASE(temporary_reference_first) { co_await temporary_reference(true); }
CASE(temporary_reference_second) { co_await temporary_reference(false); }
CASE(one_named_first) { co_await one_named(true); }
CASE(one_named_second) { co_await one_named(false); }
CASE(strings_first) { co_await strings(true); }
CASE(strings_second) { co_await strings(false); }
CASE(literals_first) { co_await literals(true); }
CASE(literals_second) { co_await literals(false); }
