// SPDX-License-Identifier: BSL-1.0
//
// The functions by which headers reach the state of the calling thread. They are not inlined into coroutines, because
// compilers keep the address of a thread-local across a suspension (T1). Headers of the library and of its users call
// them, on any thread.
#include "kernel/this_thread.hpp"

#include <bide/detail/kernel/thread_state.hpp>

#include <exception>

namespace bide {
inline namespace v0 {
namespace detail {

[[gnu::noinline]] thread_state& tls() noexcept { return this_thread; }

bool deep() noexcept { return deep(this_thread); }

bool stack_nearly_full() noexcept {
    thread_state& t = this_thread;
    if (t.stack_reserve == 0) [[unlikely]]
        measure_stack(t);
    const std::uintptr_t here = stack_pointer();
    return here < t.stack_reserve && here >= t.stack_low;  // outside: the code runs on another stack, a fibre's
}

bool unwinding_now() noexcept {
    return this_thread.unwinding != 0 || std::uncaught_exceptions() > this_thread.uncaught_base;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
