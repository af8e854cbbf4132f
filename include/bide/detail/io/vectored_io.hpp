// SPDX-License-Identifier: BSL-1.0
//
// vectored_write_leaf and vectored_read_leaf: several buffers in one system call.
//
// Thread rule: that of socket_op. The list and the buffers live until the operation has ended.
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <cstddef>
#include <span>

namespace bide {
inline namespace v0 {
namespace detail {

using const_buffers = std::span<const std::span<const std::byte>>;
using mutable_buffers = std::span<const std::span<std::byte>>;

class vectored_write_leaf : public socket_op {
public:
    vectored_write_leaf(promise_base& p, socket_state& s, const_buffers parts) noexcept;
    ~vectored_write_leaf() {
        if (under_way() && done_ != 0) [[unlikely]]
            cancelled_half_way();
    }

protected:
    std::size_t done_ = 0;

private:
    static attempt write(socket_op& op, int fd) noexcept;
    void cancelled_half_way() noexcept;
    const_buffers left_;        // begins with the first buffer that is not written whole
    std::size_t of_first_ = 0;  // so many bytes of that buffer are written
};

class vectored_read_leaf : public socket_op {
public:
    vectored_read_leaf(promise_base& p, socket_state& s, mutable_buffers parts) noexcept;

protected:
    std::size_t done_ = 0;

private:
    static attempt read(socket_op& op, int fd) noexcept;
    mutable_buffers parts_;
};

template <class Leaf, class Parts>
class [[nodiscard("co_await it or call .wait()")]] vectored_op : public leaf_op<vectored_op<Leaf, Parts>, Leaf> {
public:
    vectored_op(socket_state& s, Parts parts) noexcept : socket_(&s), parts_(parts) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *socket_, parts_);
    }

private:
    socket_state* socket_;
    Parts parts_;
};
using vectored_write_op = vectored_op<transferred<amount::all, vectored_write_leaf>, const_buffers>;
using vectored_read_op = vectored_op<transferred<amount::some, vectored_read_leaf>, mutable_buffers>;

}  // namespace detail
}  // namespace v0
}  // namespace bide
