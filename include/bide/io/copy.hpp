// SPDX-License-Identifier: BSL-1.0
//
// copy: everything that comes out of one stream, into another one, until the end.
//
//     std::uint64_t bytes = co_await bide::copy(from, to);       // then `to.finish()`, if that is the end of it all
//
// Where both are descriptors that can be watched (connections, local streams, pipes) the bytes do not come into the
// program: the kernel moves them (splice), through a pipe if neither is one.
//
// Thread rule: it is the reader of the one and the writer of the other meanwhile.
// Lifetime rule: both outlive it.
// Cancellation: it ends somewhere in the middle. What had been read and not yet written is lost, so the streams are
//   good for little more than being closed.
// Errors: those of both streams.
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

/// How many bytes.
template <byte_source From, byte_sink To>
[[nodiscard]] task<std::uint64_t> copy(From& from, To& to) {
    if constexpr (detail::has_descriptor<From> && detail::has_descriptor<To>)
        return detail::splice_all(detail::stream_access::of(from), detail::stream_access::of(to));
    else
        return detail::copy_bytes(from, to);
}

}  // namespace v0
}  // namespace bide
