// expect: bide: this cannot be awaited
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

bide::task<> work() { co_return; }
bide::task<> caller() { co_await work; }
