// SPDX-License-Identifier: BSL-1.0
//
// The parts of a leaf that need not be seen by the user's compiler: the list of waiters, instantiated once, and the end
// of a program that destroys a primitive while a task waits for it. The destructors of primitives call it, on any
// thread.
#include "kernel/describe.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/kernel/leaf.hpp>

#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

template class waiting_list<leaf>;

void fail_with_waiters(const leaf& first, const char* what) noexcept {
    fail_fast(std::string(what) + " destroyed while it is waited for, first of all by " +
              frame_text(*first.frame, &place_of) +
              "; it has to outlive its waiters: declare it before the scope in which they run, or join them first");
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
