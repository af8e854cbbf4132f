// expect: bide: start and submit take a function that returns a task (or another awaitable)
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

void caller(bide::loop& l) {
    l.submit([] { return 1; });
}
