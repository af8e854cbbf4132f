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
// Other programs may share these descriptors (a shell does), so bide leaves them blocking. It opens a pipe or a
// terminal once more, non-blocking, for this program alone. Where that is impossible (no /proc, no permission), each
// call first asks the system whether the descriptor is ready. A regular file has no readiness: one of bide's threads
// reads and writes it. std::cin, std::cout and printf have buffers of their own, which these streams do not see.
//
// Thread rule: one operation of an object at a time (a second one throws usage_error), on any threads, loops and
//   executors.
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled read_some or write_some has moved no bytes. On a regular file a cancelled task waits for an
//   operation that has begun.
// Destructor: closes what the object has opened; the descriptors 0, 1 and 2 stay open.
// Errors: std::system_error; std::errc::broken_pipe, without SIGPIPE, if the reading end is closed;
//   std::errc::bad_file_descriptor for a descriptor that this program has closed.
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
/// One standard stream. Without `calls_` it is a regular file, which a job reads and writes.
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
