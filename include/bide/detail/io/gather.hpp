// SPDX-License-Identifier: BSL-1.0
//
// Several buffers in one system call.
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <cstddef>
#include <source_location>
#include <span>

namespace bide {
inline namespace v0 {
namespace detail {

using parts_out = std::span<const std::span<const std::byte>>;
using parts_in = std::span<const std::span<std::byte>>;

class gather_leaf : public socket_op {
public:
    gather_leaf(promise_base& p, socket_state& s, parts_out parts) noexcept;
    ~gather_leaf() {
        if (under_way() && done_ != 0) [[unlikely]]
            cancelled_half_way();
    }

protected:
    void finish();
    [[nodiscard]] io_result<std::size_t> finish_try();

private:
    static attempt write(socket_op& op, int fd) noexcept;
    void cancelled_half_way() noexcept;
    parts_out left_;            // from the first that is not written whole
    std::size_t of_first_ = 0;  // so much of that is
    std::size_t done_ = 0;
};

class scatter_leaf : public socket_op {
public:
    scatter_leaf(promise_base& p, socket_state& s, parts_in parts) noexcept;

protected:
    [[nodiscard]] std::size_t finish();
    [[nodiscard]] io_result<std::size_t> finish_try();

private:
    static attempt read(socket_op& op, int fd) noexcept;
    parts_in parts_;
    std::size_t done_ = 0;
};

template <bool Try, class Leaf>
class parts_awaiter final : public Leaf {
public:
    using Leaf::Leaf;
    auto await_resume() {
        if constexpr (Try)
            return this->finish_try();
        else
            return this->finish();
    }
};

template <bool Try, class Leaf, class Parts>
class [[nodiscard("co_await it or call .wait()")]] parts_op {
public:
    parts_op(socket_state& s, Parts parts) noexcept : socket_(&s), parts_(parts) {}
    [[nodiscard]] parts_awaiter<Try, Leaf> native_awaiter(promise_base& p) const noexcept {
        return parts_awaiter<Try, Leaf>(p, *socket_, parts_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    socket_state* socket_;
    Parts parts_;
};
template <bool Try>
using gather_op = parts_op<Try, gather_leaf, parts_out>;
template <bool Try>
using scatter_op = parts_op<Try, scatter_leaf, parts_in>;

}  // namespace detail
}  // namespace v0
}  // namespace bide
