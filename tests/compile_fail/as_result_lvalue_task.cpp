// expect: a task is awaited once: hand it over with std::move(t)
// SPDX-License-Identifier: BSL-1.0
// A task in a variable is handed over to as_result, as to everything that consumes it.
#include <bide/as_result.hpp>

bide::task<int> give() { co_return 1; }

bide::task<> use() {
    bide::task<int> t = give();
    static_cast<void>(co_await bide::as_result(t));
}
