// expect: bide: the callable cannot be called with these arguments
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

#include <string>

bide::task<> work(std::string) { co_return; }
void caller(bide::scope& s) { s.start(work, 1, 2); }
