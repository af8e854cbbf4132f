// expect: no member named 'release'
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

void caller(bide::shared_mutex& m) {
    auto reading = m.lock_shared().wait();
    reading.release();
}
