// expect: bide: the callable cannot be called with these arguments (they are copied and passed as rvalues; use std::ref
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

bide::task<> work(int&) { co_return; }
void caller(bide::scope& s, int& n) { s.start(work, n); }
