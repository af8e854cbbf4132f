// expect: bide: a result must not throw from its destructor
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

struct result {
    ~result() noexcept(false) {}
};
bide::task<result> work() { co_return result(); }
void caller() { work().wait(); }
