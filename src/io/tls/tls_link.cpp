// SPDX-License-Identifier: BSL-1.0
//
// What tls_link needs and is no template. Called where the task of the stream runs.
#include <bide/detail/io/tls/tls_link.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

immediate_op tls_checkpoint() noexcept {
    return {tls_kind, nullptr, [](void*) noexcept { return std::error_code(); }};
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
