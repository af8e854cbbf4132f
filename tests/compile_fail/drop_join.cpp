// expect: ignoring return value
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

#pragma GCC diagnostic error "-Wunused-result"

void caller(bide::scope& s) { s.join(); }
