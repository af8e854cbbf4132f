// SPDX-License-Identifier: BSL-1.0
//
// memory_link: what the two ends of a memory_stream share: a bounded queue of bytes each way. memory_op: one reader's
// or writer's operation, a leaf.
//
// Everything happens under the link's one lock. Whoever changes something serves those who are parked: claims them,
// moves bytes for them, and resumes them after the lock was given back; one that is not done yet is parked once more.
#pragma once

#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/kernel/leaf.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <system_error>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

class memory_op;

/// One direction.
struct memory_way {
    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
    enum class fault : std::uint8_t { none, cut, reset };

    std::vector<std::byte> ring;
    std::size_t first = 0;
    std::size_t size = 0;
    std::vector<std::byte> returned;  // by cancelled reads: comes before what is in the ring
    memory_op* reader = nullptr;      // under way
    memory_op* writer = nullptr;
    bool ended = false;           // the reader finds the end after what is queued
    std::error_code read_error;   // or this
    std::error_code write_error;  // every write fails with it
    bool reader_closed = false;
    bool writer_closed = false;
    std::size_t read_limit = no_limit;  // for one read_some
    std::size_t write_limit = no_limit;
    std::size_t until_fault = no_limit;
    fault next_fault = fault::none;

    [[nodiscard]] std::size_t available() const noexcept { return returned.size() + size; }
    [[nodiscard]] std::size_t room() const noexcept { return ring.size() - size; }
    std::size_t take(std::span<std::byte> to) noexcept;
    std::size_t put(std::span<const std::byte> from) noexcept;
    void give_back(std::span<const std::byte> bytes) noexcept;
};

class memory_link {
public:
    explicit memory_link(std::size_t capacity);

    void close(int side) noexcept;
    void reset() noexcept;
    void fault_after(int side, std::size_t bytes, memory_way::fault what) noexcept;
    void limit_reads(int side, std::size_t bytes) noexcept;
    void limit_writes(int side, std::size_t bytes) noexcept;
    [[nodiscard]] std::error_code try_finish(int side) noexcept;
    [[nodiscard]] bool closed(int side) noexcept;

private:
    friend class memory_op;
    // Everything below under the lock.
    memory_way& from(int side) noexcept { return ways_[static_cast<std::size_t>(side)]; }
    memory_way& to(int side) noexcept { return ways_[static_cast<std::size_t>(1 - side)]; }
    void break_both() noexcept;
    void raise_fault(memory_way& w) noexcept;
    void serve(claimed_leaves& woken) noexcept;
    [[nodiscard]] bool serve(memory_op* op, claimed_leaves& woken) noexcept;

    spin_lock lock_;
    std::array<memory_way, 2> ways_;  // [side]: what that side sends
};

class memory_op : public leaf_awaiter<memory_op> {
public:
    memory_op(promise_base& p, std::shared_ptr<memory_link> link, int side, std::span<std::byte> to, bool all) noexcept;
    memory_op(promise_base& p, std::shared_ptr<memory_link> link, int side, std::span<const std::byte> from,
              bool all) noexcept;
    memory_op(const memory_op&) = delete;
    memory_op& operator=(const memory_op&) = delete;
    ~memory_op() {
        if (under_way_) [[unlikely]]
            leave();
    }

    [[nodiscard]] bool try_now() noexcept;
    [[nodiscard]] bool park() noexcept;

protected:
    /// First thing in await_resume; throws what is not the world's error.
    void end();
    std::size_t done_ = 0;
    std::error_code error_;

private:
    friend class memory_link;
    memory_op*& place() noexcept;  // of the direction
    [[nodiscard]] bool begin() noexcept;
    [[nodiscard]] bool closed() noexcept;
    [[nodiscard]] bool transfer() noexcept;  // true: it is over
    [[nodiscard]] bool read() noexcept;
    [[nodiscard]] bool write() noexcept;
    [[nodiscard]] bool can_go() noexcept;
    void over() noexcept;
    void fail(std::error_code why) noexcept;
    void leave() noexcept;

    std::shared_ptr<memory_link> link_;
    memory_way& way_;
    std::byte* to_ = nullptr;
    const std::byte* from_ = nullptr;
    std::size_t size_;
    bool all_;
    bool under_way_ = false;
    bool parked_ = false;
    std::exception_ptr failure_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
