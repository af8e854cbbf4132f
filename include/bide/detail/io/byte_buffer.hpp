// SPDX-License-Identifier: BSL-1.0
//
// byte_buffer: bytes that are added at the end and taken from the beginning. One task at a time uses it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

class byte_buffer {
public:
    byte_buffer() noexcept = default;

    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::span<const std::byte> all() const noexcept {
        return std::span(bytes_).subspan(begin_, end_ - begin_);
    }
    /// Room for n more bytes at the end. The caller writes there, and says by came() how many it has written.
    [[nodiscard]] std::span<std::byte> room(std::size_t n);
    void came(std::size_t n) noexcept { end_ += n; }
    void add(std::span<const std::byte> bytes);
    /// Takes bytes from the beginning, as many as there are and as fit. Returns how many.
    std::size_t take(std::span<std::byte> to) noexcept;
    void drop(std::size_t n) noexcept;

private:
    std::vector<std::byte> bytes_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
