// expect: no member named 'request_stop'
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

// stop() asks, shutdown() waits; request_stop is stop_source's, as in the standard library.
void caller(bide::loop_thread& t) { t.request_stop(); }
