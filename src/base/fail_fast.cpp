// SPDX-License-Identifier: BSL-1.0
#include "base/place.hpp"

#include <bide/detail/base/fail_fast.hpp>

#include <cstdio>
#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

void fail_fast(const std::string& what) noexcept {
    std::fprintf(stderr, "bide: %s\n", what.c_str());
    std::terminate();
}

void fail_with_waiters(const leaf& first, const char* what) noexcept {
    const promise_base& p = *first.who;
    fail_fast(std::string(what) + " destroyed while it is waited for, first of all by " + p.origin.function_name() +
              " at " + place_of(p.where) +
              "; it has to outlive its waiters: declare it before the scope in which they run, or join them first");
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
