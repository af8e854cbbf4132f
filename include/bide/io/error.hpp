// SPDX-License-Identifier: BSL-1.0
//
// io/error.hpp: how I/O fails.
//
// What the system refuses is a std::system_error with the system's own code, so `e.code() ==
// std::errc::connection_reset` works. What the system has no number for is an io_errc, in a category of bide's own.
// Every operation exists twice: the plain one throws, the try_ one gives an io_result.
//
//     auto got = co_await stream.try_read_exactly(header);
//     if (got.error == bide::io_errc::end_of_stream) …      // got.value bytes had arrived
//
// Thread rule: values.
#pragma once

#include <system_error>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

enum class io_errc {
    end_of_stream = 1,  ///< the peer ended its side before everything that was asked for had arrived
    write_cut = 2,  ///< an earlier write_all was cancelled after a part was sent: the peer could not make sense of more
    too_much = 3,   ///< more came than the limit that was set for it
};

[[nodiscard]] const std::error_category& io_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(io_errc e) noexcept {
    return std::error_code(static_cast<int>(e), io_category());
}

/// What a try_ operation gives: a value, and why it is not all that was asked for. No error: error is false.
template <class T>
class [[nodiscard]] io_result {
public:
    std::error_code error;
    T value;

    io_result(std::error_code e, T v) noexcept(std::is_nothrow_move_constructible_v<T>)
        : error(e), value(std::move(v)) {}
    [[nodiscard]] bool ok() const noexcept { return !error; }
};

}  // namespace v0
}  // namespace bide

template <>
struct std::is_error_code_enum<bide::io_errc> : std::true_type {};
