// SPDX-License-Identifier: BSL-1.0
//
// pipe.hpp: pipes. The reader of one end gets the bytes that were written into the other end.
//
//     auto [out, in] = bide::make_pipe();
//     s.start(produce, std::move(in));                      // writes, and closes or destroys its end
//     bide::buffered_reader lines(std::move(out));
//     while (std::optional<std::string> line = co_await lines.read_line()) …
//
// pipe_reader is a byte_source, pipe_writer a byte_sink. adopt() takes other descriptors over: FIFOs, the pipes of
// child processes.
//
// Thread rule: one operation at a time for each end (a second one gets a usage_error), on any threads, loops and
//   executors. Any thread may call close() meanwhile. No operation works in virtual time (std::logic_error).
// Lifetime rule: a buffer lives until its operation has ended.
// Cancellation: a cancelled operation has not happened: the reader keeps what read_exactly had taken for the next read.
//   A cancelled write_all may have written a part: further writes fail with io_errc::write_cut.
// Destructor: closes. An operation that is pending at close(), or when the object is destroyed, ends with
//   std::errc::operation_canceled; one that begins on a closed end fails with std::errc::bad_file_descriptor.
// Errors: std::system_error. A write to a pipe whose reading ends are all closed fails with std::errc::broken_pipe, and
//   raises no SIGPIPE. An empty or moved-from object: usage_error.
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
    /// Not the end of any pipe.
    pipe_reader() noexcept = default;
    /// Takes a descriptor over. It becomes closed on exec, and non-blocking: also for the processes that share it.
    [[nodiscard]] static pipe_reader adopt(int fd);

    /// See tcp_stream. 0 is the end: every writing end is closed.
    [[nodiscard]] detail::read_some_op read_some(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::read_exactly_op read_exactly(bytes b) { return {socket(), detail::pipe_calls, b}; }
    void close() noexcept { detail::close_socket(pipe_); }

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// The descriptor; -1 if the end is closed. The reader keeps owning it.
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

    [[nodiscard]] detail::write_some_op write_some(bytes b) { return {socket(), detail::pipe_calls, b}; }
    [[nodiscard]] detail::write_all_op write_all(bytes b) { return {socket(), detail::pipe_calls, b}; }
    void close() noexcept { detail::close_socket(pipe_); }

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    [[nodiscard]] int native_handle() const noexcept { return detail::descriptor_of(pipe_); }

private:
    friend struct detail::stream_access;
    explicit pipe_writer(detail::socket_owner s) noexcept : pipe_(std::move(s)) {}
    [[nodiscard]] detail::socket_state& socket() const { return detail::socket_of(pipe_, "pipe_writer"); }
    detail::socket_owner pipe_;
};

/// Makes a pipe. Returns its reading end and its writing end.
[[nodiscard]] std::pair<pipe_reader, pipe_writer> make_pipe();

}  // namespace v0
}  // namespace bide
