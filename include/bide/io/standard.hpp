// SPDX-License-Identifier: BSL-1.0
//
// standard.hpp: this program's standard input, output and error as streams, whatever they are: terminals, pipes, files,
// sockets, /dev/null.
//
//     bide::standard_reader in = bide::standard_input();
//     bide::buffered_reader lines(in);
//     while (std::optional<std::string> line = co_await lines.read_line()) …
//     bide::standard_writer out = bide::standard_output();
//     co_await bide::write_all(out, bide::bytes_of("done\n"));
//
// Other programs may share these descriptors (a shell does), so they are not made non-blocking. A pipe and a terminal
// are opened once more, for this program alone. What cannot be (no /proc, no permission) is asked before each call
// whether it is ready. A regular file, for which no readiness is known, is read and written on bide's threads.
// std::cin, std::cout and printf have buffers of their own, and know nothing of this.
//
// Thread rule: one operation of an object at a time (another one: usage_error), on any threads, loops and executors.
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled read or write_some has not happened. (Of a regular file: one that has begun is waited for.)
// Destructor: closes what it has opened; the descriptors 0, 1 and 2 stay open.
// Errors: std::system_error; std::errc::broken_pipe when nobody reads any more, without SIGPIPE. A descriptor that is
//   closed in this program: std::errc::bad_file_descriptor.
#pragma once

#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/stream.hpp>
#include <bide/task.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {
/// One of them: watched, or (calls_ is null) a file.
class standard_stream {
public:
    standard_stream() noexcept = default;
    standard_stream(int fd, bool reads);
    [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> to);
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> from);

private:
    socket_owner descriptor_;
    const byte_calls* calls_ = nullptr;
};
}  // namespace detail

class standard_reader {
public:
    [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> to) { return stream_.read_some(to); }

    // Internal.
    explicit standard_reader(detail::standard_stream s) noexcept : stream_(std::move(s)) {}

private:
    detail::standard_stream stream_;
};

class standard_writer {
public:
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> from) { return stream_.write_some(from); }

    // Internal.
    explicit standard_writer(detail::standard_stream s) noexcept : stream_(std::move(s)) {}

private:
    detail::standard_stream stream_;
};

[[nodiscard]] standard_reader standard_input();
[[nodiscard]] standard_writer standard_output();
[[nodiscard]] standard_writer standard_error();

}  // namespace v0
}  // namespace bide
