// SPDX-License-Identifier: BSL-1.0
//
// A barrier of which one side pays nothing: Linux's membarrier(2). heavy() returns after every running thread of the
// process has passed a full memory barrier; on the other side it is enough that the compiler keeps the order.
#pragma once

#include <atomic>

namespace bide {
inline namespace v0 {
namespace detail {

struct membarrier {
    static void light() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }  // no instruction
    static void heavy() noexcept;
    /// Registers the process, once. Returns false if the kernel, or a sandbox around the process, refuses.
    [[nodiscard]] static bool usable() noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
