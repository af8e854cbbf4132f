// SPDX-License-Identifier: BSL-1.0
//
// The heavy half of an asymmetric barrier, by membarrier(2). The thread that raids another worker's stack calls it.
#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/membarrier.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bide {
inline namespace v0 {
namespace detail {

// The process is registered (usable), so the expedited command fails only for want of memory, or where a sandbox has
// closed around the process since. Then the slow global command stands in.
void membarrier::heavy() noexcept {
    for (const int how : {MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_GLOBAL})
        if (::syscall(SYS_membarrier, how, 0, 0) == 0) return;
    fail_fast("a pool cannot go on: membarrier(2), which it has used so far, is refused by the system now");
}

bool membarrier::usable() noexcept {
    static const bool registered = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    return registered;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
