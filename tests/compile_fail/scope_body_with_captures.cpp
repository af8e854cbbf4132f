// expect: name the lambda first and pass the name
// only: GNU
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

#include <string>

bide::task<> caller(std::string text) {
    co_await bide::with_scope([text](bide::scope&) -> bide::task<> { co_return; });
}
