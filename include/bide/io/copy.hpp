// SPDX-License-Identifier: BSL-1.0
//
// copy: moves all bytes of one stream into another one, until the first one ends.
//
//     std::uint64_t bytes = co_await bide::copy(from, to);       // then `to.finish()`, if nothing else follows
//
// If both streams have descriptors that can be watched (tcp_stream, local_stream, the ends of a pipe), the bytes do not
// come into the program: the kernel moves them through a pipe (splice).
//
// Thread rule: copy is the reader of `from` and the writer of `to` meanwhile; another one gets a usage_error.
// Lifetime rule: both streams live until the operation has ended.
// Cancellation: trap: bytes that had been read and not yet written are lost, so after a cancelled copy close the
//   streams.
// Errors: those of both streams; bytes that had been read and not yet written are lost, too.
#pragma once

#include <bide/detail/io/splice.hpp>
#include <bide/io/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bide {
inline namespace v0 {

namespace detail {

template <class From, class To>
task<std::uint64_t> copy_bytes(From& from, To& to) {
    std::vector<std::byte> buffer(std::size_t{64} << 10);
    std::uint64_t all = 0;
    for (;;) {
        const std::size_t n = co_await from.read_some(buffer);
        if (n == 0) co_return all;
        co_await bide::write_all(to, std::span<const std::byte>(buffer).first(n));
        all += n;
    }
}

}  // namespace detail

/// Returns how many bytes were moved.
template <byte_source From, byte_sink To>
[[nodiscard]] task<std::uint64_t> copy(From& from, To& to) {
    if constexpr (detail::has_descriptor<From> && detail::has_descriptor<To>)
        return detail::splice_all(detail::stream_access::of(from), detail::stream_access::of(to));
    else
        return detail::copy_bytes(from, to);
}

}  // namespace v0
}  // namespace bide
