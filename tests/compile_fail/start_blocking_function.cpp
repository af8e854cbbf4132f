// expect: bide: start and submit take a function that returns a task (or another awaitable)
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

int blocking(int n) { return n; }
void caller(bide::scope& s) { s.start(blocking, 1); }
