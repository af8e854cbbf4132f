// SPDX-License-Identifier: BSL-1.0
//
// Bytes that come in at the end and are taken from the beginning.
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
    /// Room for n more bytes at the end; came() says how many were written there.
    [[nodiscard]] std::span<std::byte> room(std::size_t n);
    void came(std::size_t n) noexcept { end_ += n; }
    void add(std::span<const std::byte> bytes);
    /// From the beginning: as many as there are, and as fit.
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
