// SPDX-License-Identifier: BSL-1.0
//
// io/error.hpp: how I/O fails.
//
// An operation that the system refuses throws std::system_error with the system's own code, so `e.code() ==
// std::errc::connection_reset` works. A failure for which the system has no code is an io_errc, in a category of bide's
// own. as_result() (as_result.hpp) returns the code of every operation instead:
//
//     auto got = co_await bide::as_result(stream.read_exactly(header));
//     if (got.error == bide::io_errc::end_of_stream) …      // got.value bytes had arrived
//
// Thread rule: values; io_category() may be called from any thread.
#pragma once

#include <system_error>
#include <type_traits>

namespace bide {
inline namespace v0 {

enum class io_errc {
    end_of_stream = 1,  ///< the peer ended its side before all bytes that were asked for had arrived
    write_cut = 2,  ///< an earlier write_all was cancelled after a part was sent: the peer could not make sense of more
    too_much = 3,   ///< more bytes came than the limit allows
};

[[nodiscard]] const std::error_category& io_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(io_errc e) noexcept {
    return std::error_code(static_cast<int>(e), io_category());
}

}  // namespace v0
}  // namespace bide

template <>
struct std::is_error_code_enum<bide::io_errc> : std::true_type {};
