// SPDX-License-Identifier: BSL-1.0
// class: a default argument of a class without constructors that holds an object, in a co_await expression
// remedy: declare a constructor (`= default` is enough), or overload the function instead
#include "check.hpp"

static task<int> braces_by_default(aggregate a = {}) {
    co_await park();
    a.a.use();
    co_return a.n;
}
static task<int> named_by_default(aggregate a = aggregate{.a = {}, .n = 3}) {
    co_await park();
    a.a.use();
    co_return a.n;
}
static task<int> reference_by_default(const aggregate& a = {}) {
    co_await park();
    a.a.use();
    co_return a.n;
}
CASE(braces) { co_await braces_by_default(); }
CASE(named) { co_await named_by_default(); }
CASE(reference) { co_await reference_by_default(); }
