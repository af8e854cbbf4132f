// SPDX-License-Identifier: BSL-1.0
//
// memory_stream: two ends of a connection within the program, for tests of what talks over streams. They work in
// virtual time, hold a bounded number of bytes each way, and break when the test says so.
//
//     bide::testing::virtual_time time;
//     auto [client, server] = bide::memory_stream::pair();
//     server.limit_reads(1);                          // whatever is written arrives byte by byte
//     client.reset_after(100);                        // after 100 bytes the connection is gone
//     s.start(serve, std::move(server));
//
// What is written is there for the peer at once, if there is room; a write waits for the peer to read otherwise. So
// with a small capacity every write is cut into parts.
//
// Thread rule: as tcp_stream: one reader and one writer for each end at a time (another one: usage_error), on any
//   threads, loops and executors. close() and the faults may come from any thread meanwhile.
// Lifetime rule: a buffer lives until its operation has ended. Either end may go first.
// Cancellation: a cancelled operation has not happened: what a read_exactly had taken is given back. A cancelled
//   write_all may have handed over a part: then further writes fail with io_errc::write_cut.
// Destructor: closes. What is pending ends with std::errc::operation_canceled, and what is begun then with
//   std::errc::bad_file_descriptor. The peer reads what was written, and then the end; its writes fail with
//   std::errc::broken_pipe.
// Errors: std::system_error, as those of a socket; an empty or moved-from object: usage_error.
#pragma once

#include <bide/detail/io/memory_link.hpp>
#include <bide/detail/kernel/immediate_op.hpp>
#include <bide/io/stream.hpp>

#include <cstddef>
#include <memory>
#include <source_location>
#include <span>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

template <bool Try, bool All>
class memory_awaiter final : public memory_op {
public:
    using memory_op::memory_op;
    auto await_resume() {
        this->end();
        if constexpr (Try) {
            return io_result<std::size_t>(this->error_, this->done_);
        } else {
            if (this->error_) [[unlikely]]
                throw std::system_error(this->error_, this->kind->what);
            if constexpr (!All) return this->done_;
        }
    }
};

template <bool Try, bool All, class Byte>
class [[nodiscard("co_await it or call .wait()")]] memory_transfer {
public:
    memory_transfer(std::shared_ptr<memory_link> link, int side, std::span<Byte> bytes) noexcept
        : link_(std::move(link)), side_(side), bytes_(bytes) {}
    [[nodiscard]] memory_awaiter<Try, All> native_awaiter(promise_base& p) const noexcept {
        return memory_awaiter<Try, All>(p, link_, side_, bytes_, All);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    std::shared_ptr<memory_link> link_;
    int side_;
    std::span<Byte> bytes_;
};

}  // namespace detail

class memory_stream {
    using to = std::span<std::byte>;
    using from = std::span<const std::byte>;
    template <bool Try, bool All>
    using read_op = detail::memory_transfer<Try, All, std::byte>;
    template <bool Try, bool All>
    using write_op = detail::memory_transfer<Try, All, const std::byte>;

public:
    /// Connected to nobody.
    memory_stream() noexcept = default;
    memory_stream(memory_stream&& other) noexcept : link_(std::move(other.link_)), side_(other.side_) {}
    memory_stream& operator=(memory_stream&& other) noexcept;
    ~memory_stream() { close(); }

    /// Two ends of one connection. `capacity`: how many bytes each way may have been written and not read, at least 1.
    [[nodiscard]] static std::pair<memory_stream, memory_stream> pair(std::size_t capacity = std::size_t{64} * 1024);

    /// As tcp_stream's.
    [[nodiscard]] read_op<false, false> read_some(to b) { return {link(), side_, b}; }
    [[nodiscard]] read_op<true, false> try_read_some(to b) { return {link(), side_, b}; }
    [[nodiscard]] read_op<false, true> read_exactly(to b) { return {link(), side_, b}; }
    [[nodiscard]] read_op<true, true> try_read_exactly(to b) { return {link(), side_, b}; }
    [[nodiscard]] write_op<false, false> write_some(from b) { return {link(), side_, b}; }
    [[nodiscard]] write_op<true, false> try_write_some(from b) { return {link(), side_, b}; }
    [[nodiscard]] write_op<false, true> write_all(from b) { return {link(), side_, b}; }
    [[nodiscard]] write_op<true, true> try_write_all(from b) { return {link(), side_, b}; }

    /// Ends our side. try_: std::error_code.
    [[nodiscard]] detail::immediate_op<false> finish();
    [[nodiscard]] detail::immediate_op<true> try_finish();
    void close() noexcept;
    [[nodiscard]] bool is_open() const noexcept;

    // ---- faults ----
    /// A read_some of ours gives at most so many bytes, a write_some takes at most so many (0 is taken for 1).
    void limit_reads(std::size_t bytes);
    void limit_writes(std::size_t bytes);
    /// Of what we write from now on the peer gets so many bytes. Then it finds the end, as if somebody between us had
    /// cut the line; our further writes fail with std::errc::broken_pipe.
    void cut_after(std::size_t bytes);
    /// The same, but then the connection is reset: reads and writes of both ends fail with
    /// std::errc::connection_reset, those of the peer when it has read what came before.
    void reset_after(std::size_t bytes);
    void reset();

private:
    memory_stream(std::shared_ptr<detail::memory_link> link, int side) noexcept : link_(std::move(link)), side_(side) {}
    [[nodiscard]] const std::shared_ptr<detail::memory_link>& link() const;

    std::shared_ptr<detail::memory_link> link_;
    int side_ = 0;
};

}  // namespace v0
}  // namespace bide
