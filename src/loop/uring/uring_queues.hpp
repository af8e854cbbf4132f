// SPDX-License-Identifier: BSL-1.0
//
// uring_queues: what is shared with the kernel, in its terms: two queues, and the buffers into which data is received.
// Linux's own header is all that it needs; the queues' protocol is that of io_uring(7).
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

/// Memory from mmap; unmapped at the end.
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
    /// The kernel may still write there: it stays for ever.
    void abandon() noexcept { at_ = nullptr; }

private:
    std::byte* at_ = nullptr;
    std::size_t size_ = 0;
};

struct uring_queues {
    static constexpr unsigned requests = 128;  // further ones are handed over in several batches
    static constexpr unsigned ends = 2048;     // more at once are kept by the kernel, which is slower

    explicit uring_queues(bool bound);
    uring_queues(const uring_queues&) = delete;
    uring_queues& operator=(const uring_queues&) = delete;
    ~uring_queues();

    [[nodiscard]] unsigned to_submit() const noexcept;
    /// Cleared; null when the queue is full. It counts from the next push() on.
    [[nodiscard]] io_uring_sqe* free_request() noexcept;
    void push() noexcept;
    /// False: nothing has ended.
    [[nodiscard]] bool pop(io_uring_cqe& into) noexcept;
    /// io_uring_enter; -errno.
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
    unsigned tail_ = 0;  // ours: what is prepared; the shared one follows
    unsigned* end_head_ = nullptr;
    unsigned* end_tail_ = nullptr;
    unsigned end_mask_ = 0;
    io_uring_cqe* ends_ = nullptr;
};

/// The buffers of a ring, all of one size. They go to the kernel, come back with data, and go again.
class ring_buffers {
public:
    static constexpr std::size_t size = std::size_t{8} << 10;
    static constexpr std::uint16_t group = 0;

    explicit ring_buffers(int ring);
    [[nodiscard]] const std::byte* at(unsigned id) const noexcept { return memory_.as<std::byte>(id * size); }
    void give_back(unsigned id) noexcept;
    /// They did not suffice: twice as many, up to the most.
    void grow() noexcept;
    void abandon() noexcept {
        memory_.abandon();
        list_.abandon();
    }

private:
    static constexpr unsigned most = 1024;
    static constexpr unsigned at_first = 32;

    mapping list_, memory_;  // the memory is only touched as far as it is used
    unsigned count_ = 0;
    std::uint16_t tail_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
