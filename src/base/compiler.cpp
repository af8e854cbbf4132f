// SPDX-License-Identifier: BSL-1.0
//
// Reaches a frame that g++ 12 has moved up by a word (compiler.hpp): calls the frame's own function, where a handle
// would not find the frame's beginning. The kernel calls it, on the thread that owns the frame.
#include <bide/detail/base/compiler.hpp>

#include <cstddef>
#include <cstring>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
using frame_function = void (*)(void* frame);
[[gnu::noinline, gnu::cold]] void call_in_frame(void* promise, std::ptrdiff_t words_before) noexcept {
    auto* const bytes = static_cast<std::byte*>(promise);
    frame_function f = nullptr;
    std::memcpy(static_cast<void*>(&f), bytes - words_before * static_cast<std::ptrdiff_t>(sizeof(void*)), sizeof f);
    f(bytes - 2 * sizeof(void*) - shift_of(promise));
}
}  // namespace

void resume_shifted(void* promise) noexcept { call_in_frame(promise, 2); }
void destroy_shifted(void* promise) noexcept { call_in_frame(promise, 1); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
