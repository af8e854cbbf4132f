// expect: a task runs only when it is awaited, waited for or started
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

#pragma GCC diagnostic error "-Wunused-result"

bide::task<> work() { co_return; }
void caller() { work(); }
