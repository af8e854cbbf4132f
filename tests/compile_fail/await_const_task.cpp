// expect: bide: this cannot be awaited (for a task held in a variable: co_await std::move(t))
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

bide::task<int> caller(const bide::task<int>& t) { co_return co_await std::move(t); }
