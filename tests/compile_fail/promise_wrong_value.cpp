// expect: set_value
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

void caller(bide::promise<int>& p) { p.set_value("text"); }
