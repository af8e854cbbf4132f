// SPDX-License-Identifier: BSL-1.0
//
// socket_ring: how the operations of one socket go by a ring (io_uring). socket_state calls it where an operation has a
// ring; the ring calls it, through multishot_receive and ring_write_leaf, when the kernel has reported something.
//
// Sending: the operation is queued, and the ring hands it over with the others of the same turn (batch_begins,
// batch_ended). Receiving and accepting: the operation waits for the socket's multishot receive, which goes on from
// operation to operation.
//
// Thread rule: the thread that owns the ring calls all of it. Only what says "from any thread" may be called by another
// one. The socket's lock is there for those who close the socket, and for readers on other loops.
#pragma once

#include "io/multishot_receive.hpp"

#include <bide/detail/io/socket.hpp>

#include <span>

namespace bide {
inline namespace v0 {
namespace detail {

struct socket_ring {
    using socket_lock = socket_state::socket_lock;

    /// Parks the operation until the ring has something for it. Returns false if the operation is over instead.
    [[nodiscard]] static bool park(socket_state& s, socket_op& op, ring& r) noexcept BIDE_EXCLUDES(s.lock_);

    // ---- sending ----
    /// The ring is about to hand the operation over. Returns false if the operation is over or is being stopped.
    [[nodiscard]] static bool batch_begins(socket_state& s, socket_op& op, int& fd) noexcept BIDE_EXCLUDES(s.lock_);
    /// The kernel has tried the operation for the task; `last` says with what outcome.
    static void batch_ended(socket_state& s, socket_op& op, attempt last) noexcept BIDE_EXCLUDES(s.lock_);

    // ---- receiving ----
    [[nodiscard]] static bool multishot_active(const socket_state& s) noexcept BIDE_REQUIRES(s.lock_) {
        return s.multishot_ != nullptr && s.multishot_->active_ring != nullptr;
    }
    /// Returns true if a try without the descriptor would find something. From any thread; the socket has a multishot
    /// receive.
    [[nodiscard]] static bool something_received(socket_state& s) noexcept BIDE_REQUIRES(s.lock_);
    /// Tries the operation without the descriptor: it takes what was received. From any thread.
    [[nodiscard]] static attempt try_received(socket_state& s, socket_op& op, socket_lock& lock) noexcept
        BIDE_REQUIRES(s.lock_);
    /// Ends the multishot receive. Returns true if none is under way any more. Returns false if its loop's thread will
    /// end it; that thread then reports the socket as ready. From any thread.
    [[nodiscard]] static bool end_multishot(socket_state& s, socket_lock& lock) noexcept BIDE_REQUIRES(s.lock_);
    /// The reader that waited for the multishot receive was stopped.
    static void multishot_unwanted(socket_state& s) noexcept BIDE_REQUIRES(s.lock_);
    /// In the child of a fork() the multishot receive is the parent's: forgets it. From any thread.
    static void forget_inherited_multishot(socket_state& s) noexcept BIDE_REQUIRES(s.lock_);
    /// Frees what was received and not taken: the socket is closed. From any thread.
    static void drop_received(socket_state& s) noexcept BIDE_REQUIRES(s.lock_);

    // ---- what the ring calls ----
    /// The ring is about to hand the multishot receive over. Returns false if the socket was closed meanwhile.
    [[nodiscard]] static bool multishot_begins(socket_state& s, ring_request& r) noexcept BIDE_EXCLUDES(s.lock_);
    static void multishot_reports(socket_state& s, const ring_report& r) noexcept BIDE_EXCLUDES(s.lock_);

private:
    [[nodiscard]] static bool has_multishot(socket_state& s, socket_op& op) noexcept BIDE_REQUIRES(s.lock_);
    static void begin_multishot(socket_state& s, const socket_op& op, ring& r) noexcept BIDE_REQUIRES(s.lock_);
    static void multishot_ended(socket_state& s) noexcept BIDE_REQUIRES(s.lock_);
    [[nodiscard]] static bool keep(socket_state& s, const ring_report& r) noexcept BIDE_REQUIRES(s.lock_);
    static void keep_bytes(socket_state& s, std::span<const std::byte> bytes) noexcept BIDE_REQUIRES(s.lock_);
    [[nodiscard]] static socket_op* serve_from_multishot(socket_state& s, const ring_report& r,
                                                         socket_lock& lock) noexcept BIDE_REQUIRES(s.lock_);
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
