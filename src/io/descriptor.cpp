// SPDX-License-Identifier: BSL-1.0
//
// owned_descriptor::close(): the one function of it that needs a system call.
//
// close(2) is not repeated after EINTR: Linux has closed the descriptor then, and another thread may have got its
// number.
#include <bide/io/descriptor.hpp>

#include <unistd.h>

namespace bide {
inline namespace v0 {

void owned_descriptor::close() noexcept {
    if (fd_ >= 0) ::close(release());
}

}  // namespace v0
}  // namespace bide
