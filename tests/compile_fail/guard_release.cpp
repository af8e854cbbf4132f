// expect: no member named 'release'
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

// A guard that gives up its mutex without unlocking it is disowned: `release` would read as "give back".
void caller(bide::mutex& m) {
    auto held = m.lock().wait();
    held.release();
}
