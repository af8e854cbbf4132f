// expect: return_value
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

#include <string>

bide::task<int> work() { co_return std::string("text"); }
