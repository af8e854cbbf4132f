// expect: bide: this cannot be awaited
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

#include <future>

bide::task<int> caller(std::future<int> f) { co_return co_await std::move(f); }
