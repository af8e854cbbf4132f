// SPDX-License-Identifier: BSL-1.0
// class: a lambda temporary that captures an object and is called in the same co_await expression
// remedy: pass what it captures as arguments, or name the lambda first
#include "check.hpp"

CASE(called_at_once) {
    tracked x;
    co_await [x]() -> task<> {
        co_await park();
        x.use();
    }();
}
CASE(called_at_once_for_a_result) {
    tracked x;
    int n = co_await [x](int more) -> task<int> {
        co_await park();
        x.use();
        co_return more;
    }(3);
    expect(n == 3);
}
