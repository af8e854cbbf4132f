// SPDX-License-Identifier: BSL-1.0
//
// buffered.hpp: reads and writes lines, records and small pieces over any stream, with few system calls.
//
//     bide::buffered_reader in(stream);                        // refers to the stream; of std::move(stream): holds it
//     while (std::optional<std::string> line = co_await in.read_line()) handle(*line);
//
//     std::optional<header> h = co_await in.read_record<header>();        // empty: the end, between two records
//
//     bide::buffered_writer out(stream);
//     for (const auto& l : lines) co_await out.write(bide::bytes_of(l));
//     co_await out.flush();                                    // the destructor does not
//
// A buffered_reader is a byte_source itself, and a buffered_writer a byte_sink. read_line and read_until have a limit:
// when more bytes come they fail with io_errc::too_much, and the bytes stay in the buffer to be read in another way. So
// a peer that sends without end costs no more memory than the limit.
//
// Thread rule: that of the stream; one operation at a time.
// Lifetime rule: a stream that is referred to outlives the object. The bytes that peek() returns are valid until the
//   next operation.
// Cancellation: a cancelled read has taken nothing: bytes that have arrived stay in the buffer. (A cancelled skip has
//   dropped a part.) A cancelled write or flush has taken all of its bytes into the buffer, or none; the next flush
//   continues where the cancelled one stopped.
// Destructor: discards bytes that were read and not taken, or written and not flushed.
// Errors: those of the stream. io_errc::end_of_stream if the stream ends in the middle of a record, or before a
//   delimiter (read_until); a last line without a line end is a line. read_exactly takes all or nothing, so its result
//   is a std::error_code; bide::read_exactly(in, b) of stream.hpp takes and counts what arrived, where a code is asked
//   for.
// Units: sizes and limits in bytes.
#pragma once

#include <bide/detail/io/byte_buffer.hpp>
#include <bide/io/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

template <class S>
    requires byte_source<std::remove_reference_t<S>>
class buffered_reader {
public:
    static constexpr std::size_t default_limit = std::size_t{1} << 20;

    /// `capacity`: how many bytes are asked of the stream at a time.
    explicit buffered_reader(S&& stream, std::size_t capacity = std::size_t{16} << 10)
        : stream_(std::forward<S>(stream)), capacity_(std::max<std::size_t>(capacity, 1)) {}

    [[nodiscard]] std::remove_reference_t<S>& stream() noexcept { return stream_; }
    /// How many bytes can be taken without waiting.
    [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size(); }

    /// Takes at least one byte, unless the stream has ended. Returns how many.
    [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> to) {
        if (buffer_.empty() && to.size() >= capacity_) co_return co_await stream_.read_some(to);
        if (buffer_.empty() && !to.empty()) static_cast<void>(co_await fill());
        co_return buffer_.take(to);
    }
    [[nodiscard]] task<> read_exactly(std::span<std::byte> to) {
        const bool there = co_await has(to.size());
        if (!there) throw std::system_error(io_errc::end_of_stream, "buffered read");
        buffer_.take(to);
    }
    /// Returns the next `n` bytes, fewer at the end, and leaves them in the buffer.
    [[nodiscard]] task<std::span<const std::byte>> peek(std::size_t n) {
        static_cast<void>(co_await has(n));
        const std::span<const std::byte> there = buffer_.all();
        co_return there.first(std::min(n, there.size()));
    }
    /// Takes `n` bytes and drops them.
    [[nodiscard]] task<> skip(std::size_t n) {
        while (n != 0) {
            if (buffer_.empty()) {
                const bool more = co_await fill();
                if (!more) throw std::system_error(io_errc::end_of_stream, "buffered skip");
            }
            const std::size_t part = std::min(n, buffer_.size());
            buffer_.drop(part);
            n -= part;
        }
    }

    /// Takes the bytes up to the delimiter and the delimiter. Returns them without it. `limit`: how many bytes may come
    /// before the delimiter.
    [[nodiscard]] task<std::string> read_until(std::string delimiter, std::size_t limit = default_limit) {
        if (delimiter.empty()) throw std::invalid_argument("read_until: a delimiter of nothing is everywhere");
        const std::size_t n = co_await find(delimiter, limit);
        if (n == not_there) throw std::system_error(io_errc::end_of_stream, "read_until");
        co_return taken(n, delimiter.size());
    }
    /// Takes the next line. Returns it without its "\n" or "\r\n"; returns nullopt at the end.
    [[nodiscard]] task<std::optional<std::string>> read_line(std::size_t limit = default_limit) {
        std::size_t n = co_await find("\n", limit);
        std::optional<std::string> line;
        if (n != not_there)
            line = taken(n, 1);
        else if (!buffer_.empty())
            line = taken(buffer_.size(), 0);
        if (line && n != not_there && !line->empty() && line->back() == '\r') line->pop_back();
        co_return line;
    }
    /// Takes an object whose bytes come as they lie in memory. Returns nullopt if the stream ends before its first
    /// byte.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] task<std::optional<T>> read_record() {
        std::optional<T> record;
        const bool there = co_await has(sizeof(T));
        if (!there) {
            if (!buffer_.empty()) throw std::system_error(io_errc::end_of_stream, "read_record");
            co_return record;
        }
        std::byte bytes[sizeof(T)];
        buffer_.take(bytes);
        record.emplace();
        std::memcpy(&*record, bytes, sizeof bytes);
        co_return record;
    }
    /// Takes `n` bytes. Returns nullopt if the stream ends before the first of them.
    [[nodiscard]] task<std::optional<std::string>> read_record(std::size_t n) {
        std::optional<std::string> record;
        const bool there = co_await has(n);
        if (!there) {
            if (!buffer_.empty()) throw std::system_error(io_errc::end_of_stream, "read_record");
            co_return record;
        }
        record = taken(n, 0);
        co_return record;
    }

private:
    static constexpr std::size_t not_there = static_cast<std::size_t>(-1);

    /// Reads more from the stream. Returns false at the end.
    task<bool> fill() {
        const std::span<std::byte> room = buffer_.room(capacity_);
        const std::size_t n = co_await stream_.read_some(room);
        buffer_.came(n);
        co_return n != 0;
    }
    /// Reads until n bytes are in the buffer. Returns false if the stream ends before.
    task<bool> has(std::size_t n) {
        while (buffer_.size() < n) {
            const bool more = co_await fill();
            if (!more) co_return false;
        }
        co_return true;
    }
    /// Reads until the delimiter is in the buffer. Returns its place, or not_there if the stream ends before.
    task<std::size_t> find(std::string delimiter, std::size_t limit) {
        std::size_t from = 0;
        for (;;) {
            const std::string_view text = text_of(buffer_.all());
            const std::size_t at = text.find(delimiter, from);
            if (at != std::string_view::npos && at <= limit) co_return at;
            if (at != std::string_view::npos || text.size() >= limit + delimiter.size())
                throw std::system_error(io_errc::too_much, "buffered read");
            from = text.size() >= delimiter.size() ? text.size() - delimiter.size() + 1 : 0;
            const bool more = co_await fill();
            if (!more) co_return not_there;
        }
    }
    std::string taken(std::size_t n, std::size_t and_drop) {
        std::string text(text_of(buffer_.all().first(n)));
        buffer_.drop(n + and_drop);
        return text;
    }

    S stream_;
    const std::size_t capacity_;
    detail::byte_buffer buffer_;
};
template <class S>
buffered_reader(S&&) -> buffered_reader<S>;
template <class S>
buffered_reader(S&&, std::size_t) -> buffered_reader<S>;

template <class S>
    requires byte_sink<std::remove_reference_t<S>>
class buffered_writer {
public:
    /// `capacity`: a write that makes the buffer so full flushes it.
    explicit buffered_writer(S&& stream, std::size_t capacity = std::size_t{16} << 10)
        : stream_(std::forward<S>(stream)), capacity_(std::max<std::size_t>(capacity, 1)) {}

    [[nodiscard]] std::remove_reference_t<S>& stream() noexcept { return stream_; }
    [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size(); }

    /// Takes all bytes. Waits only if they do not fit into the buffer, or fill it.
    [[nodiscard]] task<> write(std::span<const std::byte> from) {
        if (buffer_.size() + from.size() > capacity_) co_await flush();
        buffer_.add(from);
        if (buffer_.size() >= capacity_) co_await flush();
    }
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> from) {
        if (buffer_.size() >= capacity_) co_await flush();
        const std::span<const std::byte> part = from.first(std::min(from.size(), capacity_ - buffer_.size()));
        buffer_.add(part);
        co_return part.size();
    }
    /// Writes the content of the buffer to the stream.
    [[nodiscard]] task<> flush() {
        while (!buffer_.empty()) {
            const std::size_t n = co_await stream_.write_some(buffer_.all());
            buffer_.drop(n);
        }
    }
    [[nodiscard]] task<> finish()
        requires byte_stream<std::remove_reference_t<S>>
    {
        co_await flush();
        co_await stream_.finish();
    }

private:
    S stream_;
    const std::size_t capacity_;
    detail::byte_buffer buffer_;
};
template <class S>
buffered_writer(S&&) -> buffered_writer<S>;
template <class S>
buffered_writer(S&&, std::size_t) -> buffered_writer<S>;

}  // namespace v0
}  // namespace bide
