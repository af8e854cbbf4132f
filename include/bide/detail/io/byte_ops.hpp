// SPDX-License-Identifier: BSL-1.0
//
// byte_leaf: bytes from and to any descriptor that can be watched: TCP and local sockets, pipes, terminals. byte_calls
// has what differs between them: the two system calls, the words for the debug view, and whether a read waits for the
// ring of the awaiting task's loop. ring_write_leaf writes by that ring; only the types that use it have an entry for it.
//
// Thread rule: that of socket_op. The buffer lives until the operation has ended.
#pragma once

#include <bide/detail/future/started.hpp>
#include <bide/detail/io/socket.hpp>
#include <bide/io/error.hpp>

#include <sys/types.h>
#include <cerrno>
#include <cstddef>
#include <source_location>
#include <span>
#include <string>
#include <type_traits>
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
    /// For await_resume: how many bytes. finish() throws the error, finish_try() returns it.
    [[nodiscard]] std::size_t finish();
    [[nodiscard]] io_result<std::size_t> finish_try();

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

template <class Leaf, bool Try, bool All>
class byte_awaiter final : public Leaf {
public:
    using Leaf::Leaf;
    auto await_resume() {
        if constexpr (Try)
            return this->finish_try();
        else if constexpr (All)
            static_cast<void>(this->finish());
        else
            return this->finish();
    }
};

template <class Leaf, bool Try, bool All, class Byte>
class [[nodiscard("co_await it or call .wait()")]] byte_op {
public:
    byte_op(socket_state& s, const byte_calls& c, std::span<Byte> bytes) noexcept
        : socket_(&s), calls_(&c), bytes_(bytes) {}
    [[nodiscard]] byte_awaiter<Leaf, Try, All> native_awaiter(promise_base& p) const noexcept {
        return byte_awaiter<Leaf, Try, All>(p, *socket_, *calls_, bytes_, All);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    socket_state* socket_;
    const byte_calls* calls_;
    std::span<Byte> bytes_;
};
template <bool Try, bool All>
using byte_read = byte_op<byte_leaf, Try, All, std::byte>;
template <bool Try, bool All>
using byte_write = byte_op<byte_leaf, Try, All, const std::byte>;
template <bool Try, bool All>
using ring_write = byte_op<ring_write_leaf, Try, All, const std::byte>;

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
