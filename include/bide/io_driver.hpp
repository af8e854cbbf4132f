// SPDX-License-Identifier: BSL-1.0
//
// io_driver: which interface of the system's a loop uses for input and output.
//
//     bide::loop l(bide::loop_options{bide::io_driver::epoll});    // this loop never uses io_uring
//
// Programs need not choose: the library takes io_uring where the kernel allows it and epoll elsewhere, and tasks behave
// alike on both. Choose a driver to compare the two, to test one of them, or where io_uring may not be used.
//
// Who chooses, first to last: loop_options::driver of the loop, if it is not `automatic`; the environment variable
// BIDE_DRIVER (epoll, io_uring or auto), which is read once per process; else the library. A loop in virtual time
// (testing/virtual_time.hpp) has no input and output: loop_options::driver and BIDE_DRIVER do not matter for it.
//
// Lifetime: a loop keeps its driver. It opens no descriptor before its first input or output (or loop::descriptor()),
//   except a loop that demands io_uring, which sets it up in its constructor.
// Errors: loop_options with io_driver::io_uring are a demand: the loop's constructor throws std::system_error where the
//   kernel or a container refuses it. BIDE_DRIVER=io_uring is a wish: where it is refused the loop uses epoll, and the
//   refusal is reported once. Any other word in BIDE_DRIVER is a usage_error, which the loop's constructor throws.
#pragma once

#include <cstdint>

namespace bide {
inline namespace v0 {

enum class io_driver : std::uint8_t {
    automatic,  ///< what BIDE_DRIVER says; without it, io_uring where the kernel allows it, else epoll
    epoll,      ///< never io_uring
    io_uring,   ///< io_uring, or no loop
};

}  // namespace v0
}  // namespace bide
