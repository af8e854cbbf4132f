// expect: bide: the body of with_scope is a function of (bide::scope&)
// SPDX-License-Identifier: BSL-1.0
#include <bide/bide.hpp>

void caller() {
    bide::with_scope({.exit = bide::exit_mode::cancel}, [] {});
}
