// expect: no member named 'keep'
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

void caller(bide::semaphore& s) { s.acquire().wait().keep(); }
