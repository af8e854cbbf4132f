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
// Each of the first three may return a task or any other awaitable. A stream may have more members: read_exactly,
// write_all, and the try_ forms, which return an io_result instead of throwing. The functions below call such a member
// where the stream has it, and use the four above otherwise:
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
//   stream's position is in the middle. bide's own streams have members instead: a cancelled read_exactly gives back
//   what it has read, and after a cancelled write_all further writes fail (io_errc::write_cut).
// Errors: those of the stream; io_errc::end_of_stream if read_exactly finds the end too early. A try_ form returns the
//   code of a std::system_error; it throws every other exception.
#pragma once

#include <bide/awaitable.hpp>
#include <bide/detail/guard/guard.hpp>
#include <bide/io/error.hpp>
#include <bide/task.hpp>

#include <concepts>
#include <cstddef>
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

template <class T>
task<io_result<T>> with_code(task<T> op) {
    T value{};
    std::error_code error;
    try {
        value = co_await std::move(op);
    } catch (const std::system_error& e) {
        error = e.code();
    }
    co_return io_result<T>(error, std::move(value));
}
template <class T>
    requires std::is_void_v<T>
task<std::error_code> with_code(task<T> op) {
    std::error_code error;
    try {
        co_await std::move(op);
    } catch (const std::system_error& e) {
        error = e.code();
    }
    co_return error;
}

}  // namespace detail

/// Makes of an operation that throws std::system_error one that returns the code: an io_result<T> (T has a default
/// constructor), or a std::error_code if the operation has no value. For operations without a try_ form:
///     auto text = co_await bide::with_code(bide::read_file("a.txt"));      // text.error, text.value
template <awaitable A>
[[nodiscard]] auto with_code(A&& op) {
    using T = std::remove_cvref_t<await_result_t<A>>;
    return detail::with_code<T>(detail::to_task(std::forward<A>(op)));
}

/// from.try_read_some(to); made from read_some if the stream has no such member. try_write_some: likewise.
template <byte_source S>
[[nodiscard]] auto try_read_some(S& from, std::span<std::byte> to) {
    if constexpr (requires {
                      { from.try_read_some(to) } -> detail::gives<io_result<std::size_t>>;
                  })
        return from.try_read_some(to);
    else
        return bide::with_code(from.read_some(to));
}

template <byte_sink S>
[[nodiscard]] auto try_write_some(S& to, std::span<const std::byte> from) {
    if constexpr (requires {
                      { to.try_write_some(from) } -> detail::gives<io_result<std::size_t>>;
                  })
        return to.try_write_some(from);
    else
        return bide::with_code(to.write_some(from));
}

namespace detail {

template <class S>
task<io_result<std::size_t>> try_read_parts(S& from, std::span<std::byte> to) {
    std::size_t done = 0;
    while (done < to.size()) {
        const io_result<std::size_t> part = co_await bide::try_read_some(from, to.subspan(done));
        done += part.value;
        if (part.error) co_return io_result<std::size_t>(part.error, done);
        if (part.value == 0) co_return io_result<std::size_t>(io_errc::end_of_stream, done);
    }
    co_return io_result<std::size_t>(std::error_code(), done);
}

template <class S>
task<> read_parts(S& from, std::span<std::byte> to) {
    while (!to.empty()) {
        const std::size_t n = co_await from.read_some(to);
        if (n == 0) throw std::system_error(io_errc::end_of_stream, "read_exactly");
        to = to.subspan(n);
    }
}

template <class S>
task<io_result<std::size_t>> try_write_parts(S& to, std::span<const std::byte> from) {
    std::size_t done = 0;
    while (done < from.size()) {
        const io_result<std::size_t> part = co_await bide::try_write_some(to, from.subspan(done));
        done += part.value;
        if (part.error) co_return io_result<std::size_t>(part.error, done);
    }
    co_return io_result<std::size_t>(std::error_code(), done);
}

template <class S>
task<> write_parts(S& to, std::span<const std::byte> from) {
    while (!from.empty()) {
        const std::size_t n = co_await to.write_some(from);
        from = from.subspan(n);
    }
}

}  // namespace detail

/// Fills the buffer. The try_ form returns an io_result<std::size_t>: how many bytes arrived.
template <byte_source S>
[[nodiscard]] auto read_exactly(S& from, std::span<std::byte> to) {
    if constexpr (requires {
                      { from.read_exactly(to) } -> detail::gives<void>;
                  })
        return from.read_exactly(to);
    else
        return detail::read_parts(from, to);
}
template <byte_source S>
[[nodiscard]] auto try_read_exactly(S& from, std::span<std::byte> to) {
    if constexpr (requires {
                      { from.try_read_exactly(to) } -> detail::gives<io_result<std::size_t>>;
                  })
        return from.try_read_exactly(to);
    else
        return detail::try_read_parts(from, to);
}

/// Hands over all bytes. The try_ form returns an io_result<std::size_t>: how many bytes were handed over.
template <byte_sink S>
[[nodiscard]] auto write_all(S& to, std::span<const std::byte> from) {
    if constexpr (requires {
                      { to.write_all(from) } -> detail::gives<void>;
                  })
        return to.write_all(from);
    else
        return detail::write_parts(to, from);
}
template <byte_sink S>
[[nodiscard]] auto try_write_all(S& to, std::span<const std::byte> from) {
    if constexpr (requires {
                      { to.try_write_all(from) } -> detail::gives<io_result<std::size_t>>;
                  })
        return to.try_write_all(from);
    else
        return detail::try_write_parts(to, from);
}

}  // namespace v0
}  // namespace bide
