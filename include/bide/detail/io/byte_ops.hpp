// SPDX-License-Identifier: BSL-1.0
//
// byte_leaf: bytes from and to any descriptor that can be watched: TCP and local sockets, pipes, terminals. byte_calls
// has what differs between them: the two system calls, the words for the debug view, and whether a read waits for the
// ring of the awaiting task's loop. ring_write_leaf writes by that ring; only the types that use it have an entry for it.
//
// Thread rule: that of socket_op. The buffer lives until the operation has ended.
#pragma once

#include <bide/detail/io/socket.hpp>
#include <bide/detail/io/transferred.hpp>
#include <bide/detail/kernel/leaf_op.hpp>
#include <bide/io/error.hpp>

#include <sys/types.h>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

struct byte_calls {
    wait_kind read;
    wait_kind write;
    /// As read(2) and write(2), errno included. They raise no SIGPIPE.
    ssize_t (*in)(int fd, void* to, std::size_t n) noexcept;
    ssize_t (*out)(int fd, const void* from, std::size_t n) noexcept;
    /// A read of less than was asked for means that the system has no more for now: true of pipes and byte-stream
    /// sockets (epoll(7)), not of sockets that pass descriptors.
    bool short_is_empty;
    /// A read waits for the socket's multishot receive, where there is a ring; see socket.hpp.
    bool by_ring;
};
extern const byte_calls tcp_calls;       // recv, send
extern const byte_calls pipe_calls;      // read, write
extern const byte_calls local_calls;     // likewise
extern const byte_calls terminal_calls;  // read, write, after poll(2): the descriptor blocks, because others share it

class byte_leaf : public socket_op {
public:
    byte_leaf(promise_base& p, socket_state& s, const byte_calls& c, std::span<std::byte> to, bool all) noexcept;
    byte_leaf(promise_base& p, socket_state& s, const byte_calls& c, std::span<const std::byte> from,
              bool all) noexcept;
    ~byte_leaf() {
        if (under_way() && done_ != 0) [[unlikely]]
            cancelled_half_way();
    }

protected:
    const byte_calls& calls_;
    std::byte* to_ = nullptr;
    const std::byte* from_ = nullptr;
    std::size_t size_;
    std::size_t done_ = 0;
    bool all_;

private:
    static attempt read(socket_op& op, int fd) noexcept;
    static attempt write(socket_op& op, int fd) noexcept;
    void cancelled_half_way() noexcept;
};

/// Bytes to a socket, handed over by the ring with the others of the same turn.
class ring_write_leaf : public byte_leaf, ring_entry {
public:
    ring_write_leaf(promise_base& p, socket_state& s, const byte_calls& c, std::span<const std::byte> from,
                    bool all) noexcept;
    ~ring_write_leaf() {
        if (ring_entry::listed_in == place::queued) [[unlikely]]
            take_out_of_ring();
    }

private:
    static bool on_prepare(ring_entry* self, ring_request& r) noexcept;
    static void on_report(ring_entry* self, const ring_report& r) noexcept;
    void take_out_of_ring() noexcept;
};

template <class Leaf, amount How, class Byte>
class [[nodiscard("co_await it or call .wait()")]] byte_op
    : public leaf_op<byte_op<Leaf, How, Byte>, transferred<How, Leaf>> {
public:
    byte_op(socket_state& s, const byte_calls& c, std::span<Byte> bytes) noexcept
        : socket_(&s), calls_(&c), bytes_(bytes) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *socket_, *calls_, bytes_, How == amount::all);
    }

private:
    socket_state* socket_;
    const byte_calls* calls_;
    std::span<Byte> bytes_;
};
using read_some_op = byte_op<byte_leaf, amount::some, std::byte>;
using read_exactly_op = byte_op<byte_leaf, amount::all, std::byte>;
using write_some_op = byte_op<byte_leaf, amount::some, const std::byte>;
using write_all_op = byte_op<byte_leaf, amount::all, const std::byte>;
/// By the ring, where there is one.
using send_some_op = byte_op<ring_write_leaf, amount::some, const std::byte>;
using send_all_op = byte_op<ring_write_leaf, amount::all, const std::byte>;

/// Takes a descriptor over. If there is no memory for its socket_state, closes it and throws std::bad_alloc.
[[nodiscard]] socket_owner own_descriptor(int fd);
/// The socket of an object that has one. Throws usage_error "this <what> is empty: …" else.
[[nodiscard]] socket_state& socket_of(const socket_owner& s, const char* what);
inline void close_socket(const socket_owner& s) noexcept {
    if (s.get() != nullptr) s.get()->close();
}
[[nodiscard]] inline int descriptor_of(const socket_owner& s) noexcept {
    return s.get() != nullptr ? s.get()->descriptor() : -1;
}

/// The outcome of a leaf that makes a connection: take() gives its socket, of which the awaiting task gets a stream.
template <class Leaf, class Stream>
class stream_leaf : public Leaf {
public:
    using Leaf::Leaf;

protected:
    [[nodiscard]] Stream finish() {
        Stream made(Leaf::take());
        if (this->error_) [[unlikely]]
            Leaf::fail();
        return made;
    }
    [[nodiscard]] result<Stream> finish_coded() {
        Stream made(Leaf::take());
        return {this->error_, std::move(made)};
    }
};

/// The socket behind a stream, for functions that work on the descriptor. No function of() for a stream that has none.
struct stream_access {
    template <class S>
    static auto of(S& stream) -> decltype(stream.socket()) {
        return stream.socket();
    }
};

[[nodiscard]] inline std::error_code last_error() noexcept { return std::error_code(errno, std::system_category()); }
[[nodiscard]] inline bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace detail
}  // namespace v0
}  // namespace bide
