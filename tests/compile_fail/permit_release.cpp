// expect: no member named 'release'
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

// A permit is given back by unlock(), as a guard is; release(n) is the semaphore's.
void caller(bide::semaphore& s) {
    auto permit = s.acquire().wait();
    permit.release();
}
