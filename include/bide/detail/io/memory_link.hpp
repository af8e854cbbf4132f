// SPDX-License-Identifier: BSL-1.0
//
// memory_link: what the two ends of a memory_stream share: a bounded queue of bytes each way. memory_op: the operation
// of one reader or writer, a leaf.
//
// The link's one lock guards everything. A caller that changes something serves the parked operations: it claims an
// operation, moves bytes for it, and resumes its task after the lock was released. An operation that is not done then
// is parked once more. The operation refers to the link by a counted pointer, so the ends may be destroyed meanwhile.
//
// Thread rule: from any thread.
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

/// One direction. The link's lock guards it.
struct memory_way {
    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
    enum class fault : std::uint8_t { none, cut, reset };

    std::vector<std::byte> ring;
    std::size_t first = 0;
    std::size_t size = 0;
    std::vector<std::byte> returned;  // by cancelled reads: comes before what is in the ring
    memory_op* reader = nullptr;      // the operation that is under way (I1)
    memory_op* writer = nullptr;      // likewise
    bool ended = false;               // the reader finds the end after what is queued
    std::error_code read_error;       // the reader finds this error there, instead of the end
    std::error_code write_error;      // every write fails with it
    bool reader_closed = false;
    bool writer_closed = false;
    std::size_t read_limit = no_limit;  // how much one read_some gives at most
    std::size_t write_limit = no_limit;
    std::size_t until_fault = no_limit;  // after so many bytes more next_fault happens
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

    void close(int side) noexcept BIDE_EXCLUDES(lock_);
    void reset() noexcept BIDE_EXCLUDES(lock_);
    void fault_after(int side, std::size_t bytes, memory_way::fault what) noexcept BIDE_EXCLUDES(lock_);
    void limit_reads(int side, std::size_t bytes) noexcept BIDE_EXCLUDES(lock_);
    void limit_writes(int side, std::size_t bytes) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] std::error_code finish(int side) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] bool closed(int side) noexcept BIDE_EXCLUDES(lock_);

private:
    friend class memory_op;
    memory_way& from(int side) noexcept BIDE_REQUIRES(lock_) { return ways_[static_cast<std::size_t>(side)]; }
    memory_way& to(int side) noexcept BIDE_REQUIRES(lock_) { return ways_[static_cast<std::size_t>(1 - side)]; }
    void break_both() noexcept BIDE_REQUIRES(lock_);
    void raise_fault(memory_way& w) noexcept BIDE_REQUIRES(lock_);
    void serve(claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_);
    [[nodiscard]] bool serve(memory_op* op, claimed_leaves& woken) noexcept BIDE_REQUIRES(lock_);

    spin_lock lock_;
    std::array<memory_way, 2> ways_ BIDE_GUARDED_BY(lock_);  // [side]: what that side sends
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
    /// First thing in await_resume. Throws what is no error of the stream's: a usage_error.
    void end();
    /// The same for the form that throws: throws the operation's error, too.
    void end_without_error();
    std::size_t done_ = 0;
    std::error_code error_;

private:
    friend class memory_link;
    [[nodiscard]] memory_op*& of_direction() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool begin() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool closed() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool transfer() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool read() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool write() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool can_continue() noexcept BIDE_REQUIRES(link_->lock_);
    [[nodiscard]] bool publish_or_unwind() noexcept BIDE_REQUIRES(link_->lock_);
    void over() noexcept BIDE_REQUIRES(link_->lock_);
    void fail(std::error_code why) noexcept BIDE_REQUIRES(link_->lock_);
    void leave() noexcept;  // takes the lock

    std::shared_ptr<memory_link> link_;
    memory_way& way_ BIDE_GUARDED_BY(link_->lock_);
    std::byte* to_ = nullptr;
    const std::byte* from_ = nullptr;
    std::size_t size_;
    bool all_;
    bool under_way_ = false;  // it is the operation of its direction (I1)
    bool parked_ = false;     // a completer may claim it
    std::exception_ptr failure_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
