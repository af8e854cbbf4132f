// SPDX-License-Identifier: BSL-1.0
//
// memory_stream: a connection within the program, for tests of code that talks over streams. It works in virtual time,
// holds a bounded number of bytes each way, and breaks when the test says so.
//
//     bide::testing::virtual_time time;
//     auto [client, server] = bide::memory_stream::pair();
//     server.limit_reads(1);                          // the server gets what is written byte by byte
//     client.reset_after(100);                        // after 100 bytes the connection is reset
//     s.start(serve, std::move(server));
//
// Written bytes are there for the peer at once, as far as there is room; for the rest the write waits until the peer
// has read. So a small capacity cuts every write into parts.
//
// Thread rule: one reader and one writer for each end at a time (a second one gets a usage_error), on any threads,
//   loops and executors. Any thread may call close() and the functions for faults meanwhile.
// Lifetime rule: a buffer lives until its operation has ended. Either end may be destroyed first.
// Cancellation: a cancelled operation has not happened: the end keeps what read_exactly had taken for the next read. A
//   cancelled write_all may have handed over a part: further writes fail with io_errc::write_cut.
// Destructor: closes. A pending operation ends with std::errc::operation_canceled; one that begins on a closed end
//   fails with std::errc::bad_file_descriptor. The peer reads what was written, then the end; its writes fail with
//   std::errc::broken_pipe.
// Errors: std::system_error with the codes of a socket; an empty or moved-from object: usage_error. Unlike a socket,
//   both reader and writer get connection_reset after a reset, every time.
// Units: sizes in bytes.
#pragma once

#include <bide/detail/io/memory_link.hpp>
#include <bide/detail/io/transferred.hpp>
#include <bide/detail/kernel/immediate_op.hpp>
#include <bide/detail/kernel/leaf_op.hpp>
#include <bide/io/stream.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

template <amount How, class Byte>
class [[nodiscard("co_await it or call .wait()")]] memory_transfer
    : public leaf_op<memory_transfer<How, Byte>, transferred<How, memory_op>> {
public:
    memory_transfer(std::shared_ptr<memory_link> link, int side, std::span<Byte> bytes) noexcept
        : link_(std::move(link)), side_(side), bytes_(bytes) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, link_, side_, bytes_, How == amount::all);
    }

private:
    std::shared_ptr<memory_link> link_;
    int side_;
    std::span<Byte> bytes_;
};
using memory_read_some_op = memory_transfer<amount::some, std::byte>;
using memory_read_exactly_op = memory_transfer<amount::all, std::byte>;
using memory_write_some_op = memory_transfer<amount::some, const std::byte>;
using memory_write_all_op = memory_transfer<amount::all, const std::byte>;

}  // namespace detail

class memory_stream {
    using to = std::span<std::byte>;
    using from = std::span<const std::byte>;

public:
    /// A stream without a connection: its operations throw usage_error.
    memory_stream() noexcept = default;
    memory_stream(memory_stream&& other) noexcept : link_(std::move(other.link_)), side_(other.side_) {}
    memory_stream& operator=(memory_stream&& other) noexcept;
    ~memory_stream() { close(); }

    /// Makes the two ends of a connection. `capacity`: how many bytes each way may be written and not read yet, at
    /// least 1.
    [[nodiscard]] static std::pair<memory_stream, memory_stream> pair(std::size_t capacity = std::size_t{64} * 1024);

    /// The four operations of every stream: see tcp_stream.
    [[nodiscard]] detail::memory_read_some_op read_some(to b) { return {link(), side_, b}; }
    [[nodiscard]] detail::memory_read_exactly_op read_exactly(to b) { return {link(), side_, b}; }
    [[nodiscard]] detail::memory_write_some_op write_some(from b) { return {link(), side_, b}; }
    [[nodiscard]] detail::memory_write_all_op write_all(from b) { return {link(), side_, b}; }

    /// Ends the sending side.
    [[nodiscard]] detail::immediate_op finish();
    void close() noexcept;
    [[nodiscard]] bool is_open() const noexcept;

    // ---- faults ----
    /// From now on a read_some of this end returns at most so many bytes, and a write_some takes at most so many. 0
    /// means 1.
    void limit_reads(std::size_t bytes);
    void limit_writes(std::size_t bytes);
    /// The peer gets so many of the bytes that this end writes from now on, then the end, as if the line between them
    /// had been cut. Further writes of this end fail with std::errc::broken_pipe.
    void cut_after(std::size_t bytes);
    /// The same, but then the connection is reset: reads and writes of both ends fail with std::errc::connection_reset;
    /// reads do so after the bytes that were written before.
    void reset_after(std::size_t bytes);
    /// Resets the connection now.
    void reset();

private:
    memory_stream(std::shared_ptr<detail::memory_link> link, int side) noexcept : link_(std::move(link)), side_(side) {}
    [[nodiscard]] const std::shared_ptr<detail::memory_link>& link() const;

    std::shared_ptr<detail::memory_link> link_;
    int side_ = 0;
};

}  // namespace v0
}  // namespace bide
