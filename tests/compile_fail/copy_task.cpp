// expect: deleted
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

bide::task<int> caller(bide::task<int>& t) { return t; }
