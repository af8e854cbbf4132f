// SPDX-License-Identifier: BSL-1.0
//
// pipe.hpp: pipes. What is written into one end comes out of the other.
//
//     auto [out, in] = bide::make_pipe();
//     s.start(produce, std::move(in));                      // writes, and closes or destroys its end
//     bide::buffered_reader lines(std::move(out));
//     while (std::optional<std::string> line = co_await lines.read_line()) …
//
// pipe_reader is a byte_source, pipe_writer a byte_sink. Both take over descriptors from elsewhere too (adopt): FIFOs,
// and the pipes of child processes.
//
// Thread rule: as tcp_stream: one operation at a time (another one: usage_error), on any threads, loops and executors;
//   close() from any thread meanwhile. No operation works in virtual time (std::logic_error).
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled operation has not happened: what a read_exactly had taken is given back. A cancelled
//   write_all may have written a part: then further writes fail with io_errc::write_cut.
// Destructor: closes. What is pending, at close() or when the object is destroyed, ends with
//   std::errc::operation_canceled; what is begun on a closed end, with std::errc::bad_file_descriptor.
// Errors: std::system_error; std::errc::broken_pipe when nobody reads any more, without SIGPIPE. An empty or moved-from
//   object: usage_error.
// Descriptors are non-blocking and closed on exec.
#pragma once

#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/stream.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace bide {
inline namespace v0 {

class pipe_reader {
    using bytes = std::span<std::byte>;

public:
    /// The end of no pipe.
    pipe_reader() noexcept = default;
    /// Takes over a descriptor, which becomes non-blocking (for everybody who shares it) and closed on exec.
    [[nodiscard]] static pipe_reader adopt(int fd);

    /// As tcp_stream's. 0: the end, nobody can write any more.
    [[nodiscard]] detail::byte_read<false, false> read_some(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::byte_read<true, false> try_read_some(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::byte_read<false, true> read_exactly(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::byte_read<true, true> try_read_exactly(bytes b) { return {socket(), detail::pipe_calls, b}; }
    void close() noexcept { detail::close_socket(pipe_); }

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// -1 when closed. It stays the reader's.
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(pipe_); }

private:
    friend struct detail::stream_access;
    explicit pipe_reader(detail::socket_owner s) noexcept : pipe_(std::move(s)) {}
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(pipe_, "pipe_reader"); }
    detail::socket_owner pipe_;
};

class pipe_writer {
    using bytes = std::span<const std::byte>;

public:
    pipe_writer() noexcept = default;
    [[nodiscard]] static pipe_writer adopt(int fd);

    [[nodiscard]] detail::byte_write<false, false> write_some(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::byte_write<true, false> try_write_some(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::byte_write<false, true> write_all(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::byte_write<true, true> try_write_all(bytes b) { return {socket(), detail::pipe_calls, b}; }
    void close() noexcept { detail::close_socket(pipe_); }

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(pipe_); }

private:
    friend struct detail::stream_access;
    explicit pipe_writer(detail::socket_owner s) noexcept : pipe_(std::move(s)) {}
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(pipe_, "pipe_writer"); }
    detail::socket_owner pipe_;
};

/// A pipe: what comes out, and what goes in.
[[nodiscard]] std::pair<pipe_reader, pipe_writer> make_pipe();

}  // namespace v0
}  // namespace bide
