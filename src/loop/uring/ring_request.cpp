// SPDX-License-Identifier: BSL-1.0
//
// Translates a ring_request into a submission entry of the kernel. ring::hand_over calls it for each entry of a batch,
// on the thread that owns the ring.
#if BIDE_HAS_IO_URING
#include "loop/uring/ring_request.hpp"
#include "loop/uring/uring_queues.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
std::uint64_t address(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
}  // namespace

void prepare_request(io_uring_sqe& sqe, const ring_request& r) noexcept {
    sqe.fd = r.fd;
    switch (r.what) {
        case ring_request::kind::send:
            sqe.opcode = IORING_OP_SEND;
            sqe.addr = address(r.from);
            sqe.len = static_cast<std::uint32_t>(r.size);
            sqe.msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
            break;
        case ring_request::kind::receive_many:
            sqe.opcode = IORING_OP_RECV;
            sqe.ioprio = IORING_RECV_MULTISHOT;
            sqe.flags = IOSQE_BUFFER_SELECT;
            sqe.buf_group = ring_buffers::group;
            break;
        case ring_request::kind::accept_many:
            sqe.opcode = IORING_OP_ACCEPT;
            sqe.ioprio = IORING_ACCEPT_MULTISHOT;
            sqe.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
            break;
        case ring_request::kind::poll_in:
            sqe.opcode = IORING_OP_POLL_ADD;
            sqe.poll32_events = POLLIN;
            break;
        case ring_request::kind::read_at:
        case ring_request::kind::write_at: {
            const bool reads = r.what == ring_request::kind::read_at;
            sqe.opcode = reads ? IORING_OP_READ : IORING_OP_WRITE;
            sqe.addr = reads ? address(r.to) : address(r.from);
            sqe.len = static_cast<std::uint32_t>(r.size);
            sqe.off = r.offset;
            break;
        }
        case ring_request::kind::sync:
        case ring_request::kind::sync_content:
            sqe.opcode = IORING_OP_FSYNC;
            sqe.fsync_flags = r.what == ring_request::kind::sync_content ? IORING_FSYNC_DATASYNC : 0;
            break;
        case ring_request::kind::open:
            sqe.opcode = IORING_OP_OPENAT;
            sqe.addr = address(r.from);
            sqe.len = r.permissions;
            sqe.open_flags = r.flags;
            break;
        case ring_request::kind::status:
            sqe.opcode = IORING_OP_STATX;
            sqe.addr = address(r.from);
            sqe.len = STATX_BASIC_STATS;
            sqe.off = address(r.to);
            sqe.statx_flags = r.flags;
            break;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
#endif
