// SPDX-License-Identifier: BSL-1.0
//
// byte_buffer: one block of memory with the bytes in its middle.
//
// buffered_reader, buffered_writer and the TLS link fill and empty it. It belongs to one task at a time and has no
// lock. Bytes move to the front only when that makes room; else the block is doubled.
#include <bide/detail/io/byte_buffer.hpp>

#include <algorithm>
#include <cstring>

namespace bide {
inline namespace v0 {
namespace detail {

std::span<std::byte> byte_buffer::room(std::size_t n) {
    if (bytes_.size() - end_ < n) {
        if (begin_ != 0 && bytes_.size() - size() >= n) {  // it fits when it is moved to the front
            std::memmove(bytes_.data(), bytes_.data() + begin_, size());
            end_ -= begin_;
            begin_ = 0;
        } else {
            bytes_.resize(std::max(end_ + n, 2 * bytes_.size()));
        }
    }
    return std::span(bytes_).subspan(end_, n);
}

void byte_buffer::add(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
    end_ += bytes.size();
}

std::size_t byte_buffer::take(std::span<std::byte> to) noexcept {
    const std::size_t n = std::min(to.size(), size());
    if (n != 0) std::memcpy(to.data(), bytes_.data() + begin_, n);
    drop(n);
    return n;
}

void byte_buffer::drop(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
