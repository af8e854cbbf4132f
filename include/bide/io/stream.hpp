// SPDX-License-Identifier: BSL-1.0
//
// stream.hpp: the concepts that all byte streams model, and the functions that work with every stream.
//
// A byte_source can be read, a byte_sink can be written, a byte_stream can be both. bide's own streams model them
// (tcp_stream, local_stream, tls_stream, memory_stream, the ends of a pipe, buffered_reader, buffered_writer). A class
// of yours models them if it has
//
//     co_await s.read_some(buffer)     waits for a byte or more; returns how many; 0: the end, or no room
//     co_await s.write_some(bytes)     hands over at least one byte; returns how many
//     co_await s.finish()              ends the sending side: the peer reads what was written, then the end. The peer
//                                      may go on sending
//     s.close()                        releases everything at once; pending operations fail; never throws
//
// Each of the first three may return a task or any other awaitable. An operation with a coded form (as_result.hpp) is
// awaited by that form where this header needs a code. A stream may have more members: read_exactly and write_all. The
// functions below call such a member where the stream has it, and use the four above otherwise:
//
//     bide::task<> answer(bide::byte_stream auto& with) {
//         std::array<std::byte, 16> question;
//         co_await bide::read_exactly(with, question);
//         co_await bide::write_all(with, bide::bytes_of("yes\n"));
//         co_await with.finish();
//     }
//
// Thread rule: that of the stream. bide's own streams allow one reader and one writer at a time.
// Lifetime rule: the stream and the buffer live until the operation has ended.
// Cancellation: that of the stream's own operations. Trap: a read_exactly or write_all that is made from several
//   read_some or write_some may be cancelled between two of them. The parts that have ended have happened then, and the
//   stream's position is in the middle. That holds of the result of a read_exactly or write_all, too, where the stream's
//   own member has no coded form (buffered_reader). Sockets, pipes, tls_stream and memory_stream have members with one:
//   a cancelled read_exactly gives back what it has read, and after a cancelled write_all further writes fail
//   (io_errc::write_cut).
// Errors: those of the stream; io_errc::end_of_stream if read_exactly finds the end too early. as_result() returns the
//   code, and how many bytes had arrived or were handed over before it:
//
//     auto got = co_await bide::as_result(bide::read_exactly(with, question));      // got.error, got.value
#pragma once

#include <bide/as_result.hpp>
#include <bide/awaitable.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/io/error.hpp>
#include <bide/task.hpp>

#include <concepts>
#include <cstddef>
#include <source_location>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {
template <class A, class T>
concept gives = awaitable<A> && std::same_as<std::remove_cvref_t<await_result_t<A>>, T>;
}  // namespace detail

/// A stream that can be read.
template <class S>
concept byte_source = requires(S& s, std::span<std::byte> to) {
    { s.read_some(to) } -> detail::gives<std::size_t>;
};

/// A stream that can be written.
template <class S>
concept byte_sink = requires(S& s, std::span<const std::byte> from) {
    { s.write_some(from) } -> detail::gives<std::size_t>;
};

/// A stream that can be read and written, and that ends each direction by itself.
template <class S>
concept byte_stream = byte_source<S> && byte_sink<S> && requires(S& s) {
    { s.finish() } -> detail::gives<void>;
    { s.close() } noexcept;
};

/// A text as bytes, and bytes as a text. Both refer to the argument's memory.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

namespace detail {

template <class S>
task<> read_parts(S& from, std::span<std::byte> to) {
    while (!to.empty()) {
        const std::size_t n = co_await from.read_some(to);
        if (n == 0) throw std::system_error(io_errc::end_of_stream, "read_exactly");
        to = to.subspan(n);
    }
}
template <class S>
task<result<std::size_t>> read_coded_parts(S& from, std::span<std::byte> to) {
    std::size_t done = 0;
    while (done < to.size()) {
        const result<std::size_t> part = co_await as_result(from.read_some(to.subspan(done)));
        done += part.value;
        if (part.error) co_return result<std::size_t>(part.error, done);
        if (part.value == 0) co_return result<std::size_t>(io_errc::end_of_stream, done);
    }
    co_return result<std::size_t>(std::error_code(), done);
}

template <class S>
task<> write_parts(S& to, std::span<const std::byte> from) {
    while (!from.empty()) {
        const std::size_t n = co_await to.write_some(from);
        from = from.subspan(n);
    }
}
template <class S>
task<result<std::size_t>> write_coded_parts(S& to, std::span<const std::byte> from) {
    std::size_t done = 0;
    while (done < from.size()) {
        const result<std::size_t> part = co_await as_result(to.write_some(from.subspan(done)));
        done += part.value;
        if (part.error) co_return result<std::size_t>(part.error, done);
    }
    co_return result<std::size_t>(std::error_code(), done);
}

/// Its coded form says how many bytes were moved.
template <class A>
concept counts_bytes = gives<A, void> && requires(A&& op) {
    { std::forward<A>(op).coded() } -> gives<result<std::size_t>>;
};

/// Filling a buffer from a stream whose own operations do not say how many bytes arrived before an error: by read_some,
/// or by the stream's read_exactly where no code is asked for.
template <class S>
class [[nodiscard("co_await it or call .wait()")]] read_by_parts {
public:
    read_by_parts(S& from, std::span<std::byte> to) noexcept : from_(&from), to_(to) {}
    [[nodiscard]] slot<void> native_awaiter(promise_base& p) const { return plain().native_awaiter(p); }
    [[nodiscard]] task<result<std::size_t>> coded() const { return read_coded_parts(*from_, to_); }
    void wait(std::source_location where = std::source_location::current()) const { plain().wait(where); }
    operator task<>() const { return plain(); }  // NOLINT(google-explicit-constructor)

private:
    [[nodiscard]] task<> plain() const {
        if constexpr (requires {
                          { from_->read_exactly(to_) } -> gives<void>;
                      })
            return to_task(from_->read_exactly(to_));
        else
            return read_parts(*from_, to_);
    }
    S* from_;
    std::span<std::byte> to_;
};

/// The same for writing.
template <class S>
class [[nodiscard("co_await it or call .wait()")]] write_by_parts {
public:
    write_by_parts(S& to, std::span<const std::byte> from) noexcept : to_(&to), from_(from) {}
    [[nodiscard]] slot<void> native_awaiter(promise_base& p) const { return plain().native_awaiter(p); }
    [[nodiscard]] task<result<std::size_t>> coded() const { return write_coded_parts(*to_, from_); }
    void wait(std::source_location where = std::source_location::current()) const { plain().wait(where); }
    operator task<>() const { return plain(); }  // NOLINT(google-explicit-constructor)

private:
    [[nodiscard]] task<> plain() const {
        if constexpr (requires {
                          { to_->write_all(from_) } -> gives<void>;
                      })
            return to_task(to_->write_all(from_));
        else
            return write_parts(*to_, from_);
    }
    S* to_;
    std::span<const std::byte> from_;
};

}  // namespace detail

/// Fills the buffer. As a result: how many bytes arrived.
template <byte_source S>
[[nodiscard]] auto read_exactly(S& from, std::span<std::byte> to) {
    if constexpr (requires {
                      { from.read_exactly(to) } -> detail::counts_bytes;
                  })
        return from.read_exactly(to);
    else
        return detail::read_by_parts<S>(from, to);
}

/// Hands over all bytes. As a result: how many bytes were handed over.
template <byte_sink S>
[[nodiscard]] auto write_all(S& to, std::span<const std::byte> from) {
    if constexpr (requires {
                      { to.write_all(from) } -> detail::counts_bytes;
                  })
        return to.write_all(from);
    else
        return detail::write_by_parts<S>(to, from);
}

}  // namespace v0
}  // namespace bide
