// SPDX-License-Identifier: BSL-1.0
//
// uring_queues, ring_buffers: the memory that a ring shares with the kernel, in the kernel's terms: two queues, and the
// buffers into which data is received. The queues' protocol is that of io_uring(7); Linux's own header suffices.
#pragma once

#include "base/descriptor_owner.hpp"

#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// Memory from mmap(), which the destructor unmaps.
class mapping {
public:
    mapping() noexcept = default;
    mapping(std::size_t size, int flags, int fd, std::int64_t offset, const char* what);
    mapping(mapping&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
    mapping& operator=(mapping&& other) noexcept {
        std::swap(at_, other.at_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~mapping();
    template <class T>
    [[nodiscard]] T* as(std::size_t offset = 0) const noexcept {
        return reinterpret_cast<T*>(at_ + offset);
    }
    /// Leaves the memory mapped for ever, because the kernel may still write there.
    void abandon() noexcept { at_ = nullptr; }

private:
    std::byte* at_ = nullptr;
    std::size_t size_ = 0;
};

struct uring_queues {
    static constexpr unsigned requests = 128;  // more of them go in several batches
    static constexpr unsigned ends = 2048;     // the kernel keeps further ones in memory of its own, which is slower

    explicit uring_queues(bool bound);
    uring_queues(const uring_queues&) = delete;
    uring_queues& operator=(const uring_queues&) = delete;
    ~uring_queues();

    [[nodiscard]] unsigned to_submit() const noexcept;
    /// Returns a cleared submission entry, which the next push() puts into the queue; null when the queue is full.
    [[nodiscard]] io_uring_sqe* free_request() noexcept;
    void push() noexcept;
    /// Takes one completion. Returns false if there is none.
    [[nodiscard]] bool pop(io_uring_cqe& into) noexcept;
    /// Calls io_uring_enter. Returns the number of entries that the kernel took, or -errno.
    int enter(unsigned wait_for, const __kernel_timespec* timeout, bool ask_for_ends) noexcept;

    descriptor_owner fd;

private:
    void check_operations() const;
    void map_queues();

    io_uring_params params_{};
    mapping queues_, entries_;
    unsigned* request_head_ = nullptr;
    unsigned* request_tail_ = nullptr;
    unsigned request_mask_ = 0;
    unsigned tail_ = 0;  // this side's copy of *request_tail_
    unsigned* end_head_ = nullptr;
    unsigned* end_tail_ = nullptr;
    unsigned end_mask_ = 0;
    io_uring_cqe* ends_ = nullptr;
};

/// The buffers of a ring, all of one size. The kernel gets each, returns it with data, and gets it again.
class ring_buffers {
public:
    static constexpr std::size_t size = std::size_t{8} << 10;
    static constexpr std::uint16_t group = 0;

    explicit ring_buffers(int ring);
    [[nodiscard]] const std::byte* at(unsigned id) const noexcept { return memory_.as<std::byte>(id * size); }
    void give_back(unsigned id) noexcept;
    /// Doubles the number of buffers, up to the most, because they did not suffice.
    void grow() noexcept;
    void abandon() noexcept {
        memory_.abandon();
        list_.abandon();
    }

private:
    static constexpr unsigned most = 1024;
    static constexpr unsigned at_first = 32;

    mapping list_, memory_;   // pages of memory_ that no buffer needed yet take no physical memory
    unsigned count_ = 0;      // buffers that the kernel got so far
    std::uint16_t tail_ = 0;  // of the list; the kernel reads a copy
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
