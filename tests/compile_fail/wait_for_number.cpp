// expect: awaitable
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

void caller() { bide::wait(3); }
