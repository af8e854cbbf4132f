// SPDX-License-Identifier: BSL-1.0
//
// An asymmetric barrier, whose light side costs nothing: Linux's membarrier(2). heavy() returns after every running
// thread of the process has passed a full memory barrier; on the light side only the compiler has to keep the order.
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
