// SPDX-License-Identifier: BSL-1.0
//
// The system calls of io_uring: they set the queues up, map them, move entries through them, and give the kernel its
// buffers. ring calls this file on the thread that owns the ring. uring_queues refuses a kernel that is older than 6.1.
#if BIDE_HAS_IO_URING
#include "loop/uring/uring_queues.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
// Linux 6.15, and so not in the headers of Debian 12: a wait in the ring does not count as a wait for a disk (iowait).
constexpr unsigned feature_no_iowait = 1U << 17U;
constexpr unsigned enter_no_iowait = 1U << 7U;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::system_category(), what); }

// The queues' memory is shared with the kernel: a word that the kernel writes is acquired, one that it reads released.
unsigned acquire(unsigned* word) noexcept { return std::atomic_ref(*word).load(std::memory_order_acquire); }
void release(unsigned* word, unsigned value) noexcept {
    std::atomic_ref(*word).store(value, std::memory_order_release);
}
}  // namespace

mapping::mapping(std::size_t size, int flags, int fd, std::int64_t offset, const char* what) : size_(size) {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, offset);
    if (at == MAP_FAILED) fail(what);
    at_ = static_cast<std::byte*>(at);
}
mapping::~mapping() {
    if (at_ != nullptr) ::munmap(at_, size_);
}

uring_queues::uring_queues(bool bound) {
    params_.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
    if (bound) params_.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    params_.cq_entries = ends;
    fd = descriptor_owner(static_cast<int>(::syscall(SYS_io_uring_setup, requests, &params_)));
    if (!fd) fail("io_uring_setup");
    check_operations();
    map_queues();
}
uring_queues::~uring_queues() { fd.close(); }  // before the mappings go

// Linux 6.1 has every operation that the ring uses; IORING_OP_SENDMSG_ZC, which came with 6.1, tells that it is there.
void uring_queues::check_operations() const {
    constexpr unsigned newest = IORING_OP_SENDMSG_ZC;
    alignas(io_uring_probe) std::byte memory[sizeof(io_uring_probe) + (newest + 1) * sizeof(io_uring_probe_op)] = {};
    if (::syscall(SYS_io_uring_register, fd.get(), IORING_REGISTER_PROBE, memory, newest + 1) < 0)
        fail("io_uring_register");
    io_uring_probe head;
    std::memcpy(&head, memory, sizeof head);
    if (head.last_op >= newest && (params_.features & IORING_FEAT_SINGLE_MMAP) != 0) return;
    errno = ENOSYS;
    fail("io_uring: this kernel is older than 6.1");
}

void uring_queues::map_queues() {
    const std::size_t requests_end = params_.sq_off.array + params_.sq_entries * sizeof(unsigned);
    const std::size_t ends_end = params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe);
    queues_ = mapping(requests_end > ends_end ? requests_end : ends_end, MAP_SHARED | MAP_POPULATE, fd.get(),
                      IORING_OFF_SQ_RING, "io_uring queues");
    entries_ = mapping(params_.sq_entries * sizeof(io_uring_sqe), MAP_SHARED | MAP_POPULATE, fd.get(), IORING_OFF_SQES,
                       "io_uring requests");
    request_head_ = queues_.as<unsigned>(params_.sq_off.head);
    request_tail_ = queues_.as<unsigned>(params_.sq_off.tail);
    request_mask_ = *queues_.as<unsigned>(params_.sq_off.ring_mask);
    end_head_ = queues_.as<unsigned>(params_.cq_off.head);
    end_tail_ = queues_.as<unsigned>(params_.cq_off.tail);
    end_mask_ = *queues_.as<unsigned>(params_.cq_off.ring_mask);
    ends_ = queues_.as<io_uring_cqe>(params_.cq_off.cqes);
    auto* const array = queues_.as<unsigned>(params_.sq_off.array);
    for (unsigned i = 0; i < params_.sq_entries; ++i) array[i] = i;
}

unsigned uring_queues::to_submit() const noexcept { return tail_ - acquire(request_head_); }

io_uring_sqe* uring_queues::free_request() noexcept {
    if (to_submit() == params_.sq_entries) return nullptr;
    io_uring_sqe* const sqe = entries_.as<io_uring_sqe>() + (tail_ & request_mask_);
    std::memset(sqe, 0, sizeof *sqe);
    return sqe;
}
void uring_queues::push() noexcept { release(request_tail_, ++tail_); }

bool uring_queues::pop(io_uring_cqe& into) noexcept {
    const unsigned head = *end_head_;  // this side alone writes it
    if (head == acquire(end_tail_)) return false;
    into = ends_[head & end_mask_];
    release(end_head_, head + 1);
    return true;
}

int uring_queues::enter(unsigned wait_for, const __kernel_timespec* timeout, bool ask_for_ends) noexcept {
    io_uring_getevents_arg arg{};
    arg.sigmask_sz = _NSIG / 8;
    arg.ts = reinterpret_cast<std::uintptr_t>(timeout);
    unsigned flags = IORING_ENTER_EXT_ARG;
    if (ask_for_ends) flags |= IORING_ENTER_GETEVENTS;
    if ((params_.features & feature_no_iowait) != 0) flags |= enter_no_iowait;
    const long n = ::syscall(SYS_io_uring_enter, fd.get(), to_submit(), wait_for, flags, &arg, sizeof arg);
    return n < 0 ? -errno : static_cast<int>(n);
}

ring_buffers::ring_buffers(int ring)
    : list_(most * sizeof(io_uring_buf), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, "io_uring buffers"),
      memory_(most * size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, "io_uring buffers") {
    io_uring_buf_reg reg{};
    reg.ring_addr = reinterpret_cast<std::uintptr_t>(list_.as<void>());
    reg.ring_entries = most;
    reg.bgid = group;
    if (::syscall(SYS_io_uring_register, ring, IORING_REGISTER_PBUF_RING, &reg, 1) < 0) fail("io_uring buffers");
    for (; count_ < at_first; ++count_) give_back(count_);
}

void ring_buffers::give_back(unsigned id) noexcept {
    // TRAP: the last two bytes of the list's first entry are the list's tail. So an entry is written member by member.
    auto* const entry = list_.as<io_uring_buf>() + (tail_ & (most - 1));
    entry->addr = reinterpret_cast<std::uintptr_t>(at(id));
    entry->len = size;
    entry->bid = static_cast<std::uint16_t>(id);
    // release: the kernel reads the entry after it has read the tail.
    std::atomic_ref(*list_.as<std::uint16_t>(offsetof(io_uring_buf, resv))).store(++tail_, std::memory_order_release);
}

void ring_buffers::grow() noexcept {
    for (const unsigned wanted = count_ * 2 < most ? count_ * 2 : most; count_ < wanted; ++count_) give_back(count_);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
#endif
