// SPDX-License-Identifier: BSL-1.0
//
// memory_link and memory_op: what is behind a memory_stream. There is no descriptor and no loop: the ends serve each
// other.
//
// Operations call it on the awaiting thread, close() and the faults on any thread. Each caller takes the link's lock,
// changes something, and serves the parked operations until none can go on. Their tasks are resumed when `woken` is
// destroyed; it is declared before the guard, so that is after the lock was released (L1).
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/io/memory_link.hpp>
#include <bide/io/error.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr wait_kind memory_read_kind{"memory_stream read"};
constexpr wait_kind memory_write_kind{"memory_stream write"};
using locked = lock_guard<spin_lock>;

std::error_code code(std::errc e) noexcept { return std::make_error_code(e); }
}  // namespace

// ---- one direction --------------------------------------------------------------------------------------------------

std::size_t memory_way::take(std::span<std::byte> to) noexcept {
    const std::size_t old = std::min(to.size(), returned.size());
    if (old != 0) {
        std::memcpy(to.data(), returned.data(), old);
        returned.erase(returned.begin(), returned.begin() + static_cast<std::ptrdiff_t>(old));
        to = to.subspan(old);
    }
    const std::size_t n = std::min(to.size(), size);
    for (std::size_t done = 0; done < n;) {
        const std::size_t part = std::min(n - done, ring.size() - first);
        std::memcpy(to.data() + done, ring.data() + first, part);
        first = (first + part) % ring.size();
        done += part;
    }
    size -= n;
    return old + n;
}

std::size_t memory_way::put(std::span<const std::byte> from) noexcept {
    const std::size_t n = std::min(from.size(), room());
    for (std::size_t done = 0; done < n;) {
        const std::size_t at = (first + size) % ring.size();
        const std::size_t part = std::min(n - done, ring.size() - at);
        std::memcpy(ring.data() + at, from.data() + done, part);
        size += part;
        done += part;
    }
    return n;
}

void memory_way::give_back(std::span<const std::byte> bytes) noexcept {
    try {
        returned.insert(returned.begin(), bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // bytes are lost here, so no later ones may be read in their place
        returned.clear();
        size = 0;
        read_error = code(std::errc::not_enough_memory);
    }
}

// ---- the operation --------------------------------------------------------------------------------------------------

memory_op::memory_op(promise_base& p, std::shared_ptr<memory_link> link, int side, std::span<std::byte> to,
                     bool all) noexcept
    : leaf_awaiter<memory_op>(p, memory_read_kind, link.get()),
      link_(std::move(link)),
      way_(link_->to(side)),
      to_(to.data()),
      size_(to.size()),
      all_(all) {}
memory_op::memory_op(promise_base& p, std::shared_ptr<memory_link> link, int side, std::span<const std::byte> from,
                     bool all) noexcept
    : leaf_awaiter<memory_op>(p, memory_write_kind, link.get()),
      link_(std::move(link)),
      way_(link_->from(side)),
      from_(from.data()),
      size_(from.size()),
      all_(all) {}

memory_op*& memory_op::of_direction() noexcept { return kind == &memory_read_kind ? way_.reader : way_.writer; }

bool memory_op::try_now() noexcept {
    claimed_leaves woken;
    const locked guard(link_->lock_);
    if (!begin()) return true;
    const bool done = transfer();
    if (done) over();
    link_->serve(woken);  // also after a part
    return done;
}

// Makes the operation the one of its direction. Returns false if it cannot begin; it has the error or the failure then.
bool memory_op::begin() noexcept {
    if (closed()) {
        error_ = code(std::errc::bad_file_descriptor);
        return false;
    }
    if (of_direction() != nullptr) {
        failure_ = std::make_exception_ptr(
            usage_error(std::string(kind->what) +
                        ": another task is waiting here already; a stream has one reader and one writer at a time"));
        return false;
    }
    of_direction() = this;
    under_way_ = true;
    return true;
}

bool memory_op::closed() noexcept { return kind == &memory_read_kind ? way_.reader_closed : way_.writer_closed; }

// Moves bytes. Returns true if the operation is over.
bool memory_op::transfer() noexcept { return kind == &memory_read_kind ? read() : write(); }

bool memory_op::read() noexcept {
    if (size_ == 0) return true;
    for (;;) {
        const std::size_t n = way_.take({to_ + done_, std::min(size_ - done_, way_.read_limit)});
        done_ += n;
        if (done_ == size_ || (n != 0 && !all_)) return true;
        if (n != 0) continue;
        if (way_.read_error) {
            error_ = way_.read_error;
            return true;
        }
        if (!way_.ended) return false;
        if (all_) error_ = io_errc::end_of_stream;
        return true;
    }
}

bool memory_op::write() noexcept {
    for (;;) {
        if (way_.write_error) {
            error_ = way_.write_error;
            return true;
        }
        const std::size_t most = std::min({size_ - done_, way_.write_limit, way_.until_fault});
        const std::size_t n = way_.put({from_ + done_, most});
        done_ += n;
        if (way_.until_fault != memory_way::no_limit) {
            way_.until_fault -= n;
            if (way_.until_fault == 0) link_->raise_fault(way_);
        }
        if (done_ == size_ || (n != 0 && !all_)) return true;
        if (n == 0 && !way_.write_error) return false;
    }
}

bool memory_op::can_continue() noexcept {
    if (kind == &memory_read_kind) return way_.available() != 0 || way_.ended || way_.read_error;
    return way_.room() != 0 || way_.write_error;
}

void memory_op::over() noexcept {
    BIDE_ASSERT(I1, of_direction() == this && !parked_);
    of_direction() = nullptr;
    under_way_ = false;
}

void memory_op::fail(std::error_code why) noexcept {
    error_ = why;
    parked_ = false;
    over();
}

bool memory_op::park() noexcept {
    claimed_leaves woken;
    const locked guard(link_->lock_);
    if (closed()) {
        fail(code(std::errc::operation_canceled));
        return false;
    }
    while (can_continue()) {  // the operation of the other side, once it is served, makes room or writes more
        const bool done = transfer();
        if (done) over();
        link_->serve(woken);
        if (done) return false;
    }
    detach(frame);
    static_cast<void>(publish_or_unwind());
    return true;
}

// The frame is detached. Returns false if stop was requested before; the frame is posted to be unwound then. The lock
// keeps the operation alive until the caller releases it: completers claim under the lock, and an unwound operation
// takes it.
bool memory_op::publish_or_unwind() noexcept {
    promise_base* const waiting = frame;
    BIDE_ASSERT(I1, of_direction() == this && !parked_);
    BIDE_ASSERT(K3, (waiting->result_slot->flags & attached) == 0);
    parked_ = true;
    if (publish()) return true;
    parked_ = false;
    post(waiting, step::unwind);
    return false;
}

// For the destructor of an operation whose task was stopped (L2): the operation leaves without having happened. A write
// that has handed over a part cannot: later writes fail.
void memory_op::leave() noexcept {
    const locked guard(link_->lock_);
    parked_ = false;
    over();
    if (done_ == 0) return;
    if (kind == &memory_read_kind)
        way_.give_back({to_, done_});
    else
        way_.write_error = io_errc::write_cut;
}

void memory_op::end() {
    completed();
    if (failure_) [[unlikely]]
        std::rethrow_exception(failure_);
}
void memory_op::end_without_error() {
    end();
    if (error_) [[unlikely]]
        throw std::system_error(error_, kind->what);
}

// ---- the link -------------------------------------------------------------------------------------------------------

memory_link::memory_link(std::size_t capacity) {
    if (capacity == 0) throw std::invalid_argument("memory_stream: a capacity of 0 lets nothing through");
    for (memory_way& w : ways_) w.ring.resize(capacity);
}

// Moves bytes for the parked operations until none can continue. The caller resumes those in `woken` after it has
// released the lock (L1).
void memory_link::serve(claimed_leaves& woken) noexcept {
    for (bool moved = true; moved;) {
        moved = false;
        for (memory_way& w : ways_) {
            if (serve(w.reader, woken)) moved = true;
            if (serve(w.writer, woken)) moved = true;
        }
    }
}

// Returns true if bytes were moved. Unanalyzed: the lock of the operation's link is this link's, which the analysis
// cannot know.
BIDE_UNANALYZED bool memory_link::serve(memory_op* op, claimed_leaves& woken) noexcept {
    if (op == nullptr || !op->parked_ || !op->can_continue()) return false;
    op->parked_ = false;
    if (!op->claim()) return false;  // a stop request has claimed it, and the unwound frame leaves by itself
    if (op->transfer()) {
        op->over();
        woken.add(*op);
        return true;
    }
    static_cast<void>(op->publish_or_unwind());
    return true;
}

void memory_link::raise_fault(memory_way& w) noexcept {
    w.until_fault = memory_way::no_limit;
    if (std::exchange(w.next_fault, memory_way::fault::none) == memory_way::fault::cut) {
        w.ended = true;
        w.write_error = code(std::errc::broken_pipe);
    } else {
        break_both();
    }
}

void memory_link::break_both() noexcept {
    for (memory_way& w : ways_) {
        w.read_error = code(std::errc::connection_reset);
        if (!w.write_error) w.write_error = w.read_error;
    }
}

void memory_link::fault_after(int side, std::size_t bytes, memory_way::fault what) noexcept {
    claimed_leaves woken;
    const locked guard(lock_);
    memory_way& w = from(side);
    w.until_fault = bytes;
    w.next_fault = what;
    if (bytes == 0) raise_fault(w);
    serve(woken);
}

void memory_link::reset() noexcept {
    claimed_leaves woken;
    const locked guard(lock_);
    break_both();
    serve(woken);
}

void memory_link::limit_reads(int side, std::size_t bytes) noexcept {
    const locked guard(lock_);
    to(side).read_limit = std::max<std::size_t>(bytes, 1);
}
void memory_link::limit_writes(int side, std::size_t bytes) noexcept {
    const locked guard(lock_);
    from(side).write_limit = std::max<std::size_t>(bytes, 1);
}

std::error_code memory_link::finish(int side) noexcept {
    claimed_leaves woken;
    const locked guard(lock_);
    memory_way& w = from(side);
    if (w.writer_closed) return code(std::errc::bad_file_descriptor);
    w.ended = true;
    if (!w.write_error) w.write_error = code(std::errc::broken_pipe);
    serve(woken);
    return {};
}

// Unanalyzed: the lock of the operations' link is this link's, which the analysis cannot know.
BIDE_UNANALYZED void memory_link::close(int side) noexcept {
    claimed_leaves woken;
    const locked guard(lock_);
    memory_way& out = from(side);
    memory_way& in = to(side);
    if (out.writer_closed) return;
    out.writer_closed = in.reader_closed = true;
    for (memory_op* op : {out.writer, in.reader}) {
        // An operation that is about to park will find the end closed. One that a stop request has claimed leaves by
        // itself.
        if (op == nullptr || !op->parked_ || !op->claim()) continue;
        op->fail(code(std::errc::operation_canceled));
        woken.add(*op);
    }
    out.ended = true;
    if (!in.write_error) in.write_error = code(std::errc::broken_pipe);
    serve(woken);
}

bool memory_link::closed(int side) noexcept {
    const locked guard(lock_);
    return from(side).writer_closed;
}

}  // namespace detail

}  // namespace v0
}  // namespace bide
