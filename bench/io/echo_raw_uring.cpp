// SPDX-License-Identifier: BSL-1.0
//
// The limit with io_uring: multishot accept and receive, a shared buffer ring, replies sent from the very buffers in
// which the requests came, one enter per turn.
#include "listen.hpp"

#include <liburing.h>
#include <unistd.h>
#include <cerrno>
#include <vector>

namespace {

constexpr unsigned buffers = 1024;
constexpr unsigned buffer_size = 4096;
enum : unsigned { accepting, receiving, sending };

struct server {
    io_uring ring{};
    io_uring_buf_ring* list = nullptr;
    std::vector<char> memory = std::vector<char>(std::size_t{buffers} * buffer_size);

    char* buffer(unsigned id) { return memory.data() + std::size_t{id} * buffer_size; }
    void give(unsigned id) {
        io_uring_buf_ring_add(list, buffer(id), buffer_size, static_cast<unsigned short>(id),
                              io_uring_buf_ring_mask(buffers), 0);
        io_uring_buf_ring_advance(list, 1);
    }
    io_uring_sqe* request(unsigned what, int fd, unsigned id) {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring);
        if (sqe == nullptr) {
            io_uring_submit(&ring);
            sqe = io_uring_get_sqe(&ring);
        }
        sqe->user_data = std::uint64_t{what} << 56U | std::uint64_t{id} << 32U | static_cast<unsigned>(fd);
        return sqe;
    }
    template <class F>
    void ask(unsigned what, int fd, unsigned id, F prepare) {
        io_uring_sqe* const sqe = request(what, fd, id);
        const std::uint64_t tag = sqe->user_data;
        prepare(sqe);
        sqe->user_data = tag;
    }
    void receive(int fd) {
        ask(receiving, fd, 0, [&](io_uring_sqe* sqe) {
            io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
            sqe->flags |= IOSQE_BUFFER_SELECT;
            sqe->buf_group = 0;
        });
    }
    void accept(int listener) {
        ask(accepting, listener, 0,
            [&](io_uring_sqe* sqe) { io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC); });
    }
    void ended(const io_uring_cqe& c) {
        const auto what = static_cast<unsigned>(c.user_data >> 56U);
        const auto id = static_cast<unsigned>(c.user_data >> 32U) & 0xffffU;
        const int fd = static_cast<int>(c.user_data & 0xffffffffU);
        const bool more = (c.flags & IORING_CQE_F_MORE) != 0;
        if (what == accepting) {
            if (c.res >= 0) {
                no_delay(c.res);
                receive(c.res);
            }
            if (!more) accept(fd);
        } else if (what == receiving) {
            if (c.res > 0) {
                const unsigned got = c.flags >> IORING_CQE_BUFFER_SHIFT;
                ask(sending, fd, got, [&](io_uring_sqe* sqe) {
                    io_uring_prep_send(sqe, fd, buffer(got), static_cast<std::size_t>(c.res), MSG_NOSIGNAL);
                });
                if (!more) receive(fd);
            } else if (c.res == -ENOBUFS) {
                receive(fd);
            } else {
                ::close(fd);
            }
        } else {
            give(id);
        }
    }
};

}  // namespace

int main() {
    const int listener = listen_somewhere();
    server s;
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = 4096;
    if (const int e = io_uring_queue_init_params(1024, &s.ring, &params); e < 0) {
        errno = -e;
        fail("io_uring");
    }
    void* list = nullptr;
    if (::posix_memalign(&list, 4096, buffers * sizeof(io_uring_buf)) != 0) fail("memory");
    s.list = static_cast<io_uring_buf_ring*>(list);
    io_uring_buf_ring_init(s.list);
    io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uintptr_t>(list);
    reg.ring_entries = buffers;
    if (io_uring_register_buf_ring(&s.ring, &reg, 0) != 0) fail("buffers");
    for (unsigned i = 0; i < buffers; ++i) s.give(i);
    s.accept(listener);
    for (;;) {
        io_uring_submit_and_wait(&s.ring, 1);
        unsigned head = 0;
        unsigned n = 0;
        io_uring_cqe* c = nullptr;
        io_uring_for_each_cqe(&s.ring, head, c) {
            s.ended(*c);
            ++n;
        }
        io_uring_cq_advance(&s.ring, n);
    }
}
