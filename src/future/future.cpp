// SPDX-License-Identifier: BSL-1.0
//
// The errors that future.hpp throws for mistakes in a program.
//
// They are functions of the library, so that a program does not compile them once for each type of result. Called by
// the thread that uses the future or the promise.
#include <bide/future.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void throw_null_callback() {
    throw std::invalid_argument("future::subscribe: both callbacks are needed, one is null; nothing was registered");
}
void throw_null_exception() {
    throw std::invalid_argument("promise::set_exception: the exception_ptr is null; the promise was not completed");
}
void throw_second_result() { throw usage_error("this promise has its result already; it is completed once"); }
std::exception_ptr make_broken_promise() noexcept {
    try {
        return std::make_exception_ptr(broken_promise());
    } catch (...) {
        return std::current_exception();
    }
}

void throw_second_future() { throw usage_error("promise::get_future was called before; copy the future instead"); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
