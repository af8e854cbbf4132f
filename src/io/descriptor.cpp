// SPDX-License-Identifier: BSL-1.0
#include <bide/io/descriptor.hpp>

#include <unistd.h>

namespace bide {
inline namespace v0 {

void owned_descriptor::close() noexcept {
    if (fd_ >= 0) ::close(release());
}

}  // namespace v0
}  // namespace bide
