// SPDX-License-Identifier: BSL-1.0
//
// What the ring does in a turn of its loop: it hands over the queued entries, waits if the loop sleeps, and reports
// what has ended. And how it ends what is under way. The driver and the I/O operations call it, on the thread that owns
// the ring; ask_to_end() alone on any thread. In a build without io_uring the file has its second half only, and no
// ring can be made.
#include "loop/uring/ring.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/detail/loop/driver.hpp>
#include <bide/hooks.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#if BIDE_HAS_IO_URING
#include "loop/uring/ring_request.hpp"
#include "loop/uring/uring_queues.hpp"

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
// A cancellation may find nothing, if it meets the entry while the kernel is working on it: the ring repeats it after
// so long.
constexpr std::chrono::milliseconds say_again{10};

const void* this_thread() noexcept { return &tls(); }

__kernel_timespec to_timespec(std::chrono::nanoseconds ns) noexcept {
    if (ns.count() < 0) ns = ns.zero();
    return {ns.count() / 1'000'000'000, ns.count() % 1'000'000'000};
}
}  // namespace

ring::ring(driver& of, bool bound)
    : driver_(of),
      owner_(bound ? this_thread() : nullptr),
      queues_(std::make_unique<uring_queues>(bound)),
      buffers_(std::make_unique<ring_buffers>(queues_->fd.get())),
      process_(process_generation()) {}

ring::~ring() {
    if (inherited()) return;
    if (foreign()) {  // the kernel refuses this thread, and ends everything by itself, later
        buffers_->abandon();
        return;
    }
    acquire();
    end_everything();
}

int ring::descriptor() const noexcept { return queues_->fd.get(); }
bool ring::inherited() const noexcept { return process_ != process_generation(); }
bool ring::foreign() const noexcept { return owner_ != nullptr && owner_ != this_thread(); }
// relaxed: the word is this thread only if this thread wrote it.
bool ring::owned_here() const noexcept { return user_.load(std::memory_order_relaxed) == this_thread(); }

// ---- who owns it -------------------------------------------------------------------------------------------

ring::ownership::taken ring::try_acquire() noexcept {
    const void* const me = this_thread();
    if (inherited() || foreign()) return ownership::taken::no;
    const void* nobody = nullptr;
    // acquire: what the former owner did to the ring is visible; pairs with release().
    if (user_.compare_exchange_strong(nobody, me, std::memory_order_acquire, std::memory_order_relaxed))
        return ownership::taken::now;
    // relaxed: the word is this thread only if this thread wrote it.
    return nobody == me ? ownership::taken::before : ownership::taken::no;
}

void ring::acquire() noexcept {
    for (unsigned round = 0; try_acquire() == ownership::taken::no && !inherited() && !foreign();) spin_wait(round);
}

bool ring::not_another_threads() const noexcept {
    // relaxed: the word is this thread only if this thread wrote it. It is null while the ring is being made, when no
    // other thread knows the ring.
    const void* const user = user_.load(std::memory_order_relaxed);
    return user == nullptr || user == this_thread();
}

void ring::release() noexcept { user_.store(nullptr, std::memory_order_release); }

// ---- handing over -------------------------------------------------------------------------------------------------

void ring::queue(ring_entry& e) noexcept {
    BIDE_ASSERT(R1, not_another_threads());
    BIDE_ASSERT(R1, e.listed_in == ring_entry::place::nowhere && !e.with_kernel);
    queue_.add(e, ring_entry::place::queued);
    ++queued_;
    driver_.unsent = true;
}
void ring::rest(ring_entry& e) noexcept {
    BIDE_ASSERT(R1, not_another_threads());
    resting_.add(e, ring_entry::place::resting);
}
void ring::take_out(ring_entry& e) noexcept {
    BIDE_ASSERT(R1, not_another_threads());
    if (e.listed_in == ring_entry::place::queued) {
        queue_.remove(e);
        --queued_;
    } else if (e.listed_in == ring_entry::place::resting) {
        resting_.remove(e);
    }
}

io_uring_sqe& ring::request() noexcept {
    for (;;) {
        if (io_uring_sqe* const free = queues_->free_request()) return *free;
        // The kernel took nothing: it has no memory for the moment, or the reports must be fetched first.
        if (queues_->enter(0, nullptr, false) <= 0) report_all();
    }
}

void ring::cancel(std::uint64_t what, unsigned flags) noexcept {
    BIDE_ASSERT(R1, not_another_threads());
    io_uring_sqe& sqe = request();
    sqe.opcode = IORING_OP_ASYNC_CANCEL;
    sqe.fd = -1;
    sqe.addr = what;
    sqe.cancel_flags = flags;
    queues_->push();
    driver_.unsent = true;
}

void ring::hand_over(ring_entry& e) noexcept {
    ring_request r;
    if (!e.prepare(&e, r)) {
        made_ready_ = true;
        return;
    }
    io_uring_sqe& sqe = request();
    sqe.user_data = reinterpret_cast<std::uintptr_t>(&e);
    prepare_request(sqe, r);
    e.with_kernel = true;
    ++under_way_;
    queues_->push();
}

void ring::fill() noexcept {
    while (ring_entry* const e = queue_.first()) {
        take_out(*e);
        hand_over(*e);
    }
    end_what_was_asked_for();
    driver_.unsent = false;
}

void ring::turn(bool may_wait, time_point until) noexcept {
    if (inherited())
        fail_fast(
            "the child of a fork() goes on in a loop that was made before it: it would take the parent's reports; the "
            "child has to leave the task in which it was forked by exec or _exit");
    BIDE_ASSERT(R1, not_another_threads());
    made_ready_ = false;
    fill();
    may_wait = may_wait && !made_ready_;  // prepare() may have made a task of this loop ready: then it must not sleep
    if (!may_wait || until <= time_point::min()) {
        queues_->enter(0, nullptr, true);
    } else if (until == time_point::max()) {
        queues_->enter(1, nullptr, true);
    } else {
        const __kernel_timespec left = to_timespec(until - std::chrono::steady_clock::now());
        queues_->enter(1, &left, true);
    }
    // Whatever enter() returned (interrupted, out of time, busy): the loop calls again, and what was not handed over
    // goes then.
    report_all();
}

// ---- reports ------------------------------------------------------------------------------------------------------

void ring::report_all() noexcept {
    io_uring_cqe c;
    // This ends: entries that a report queues are handed over later, and so cannot be reported here.
    while (queues_->pop(c)) report(c);
}

void ring::report(const io_uring_cqe& c) noexcept {
    if (c.user_data == 0) return;  // the report of a cancellation
    made_ready_ = true;
    auto* const e = reinterpret_cast<ring_entry*>(c.user_data);
    ring_report r;
    r.result = c.res;
    r.more = (c.flags & IORING_CQE_F_MORE) != 0;
    if (!r.more) {
        e->with_kernel = false;
        --under_way_;
    }
    if (r.result == -ENOBUFS) buffers_->grow();
    const bool buffer = (c.flags & IORING_CQE_F_BUFFER) != 0;
    const unsigned id = c.flags >> IORING_CQE_BUFFER_SHIFT;
    if (buffer) r.data = buffers_->at(id);
    e->completed(e, r);
    if (buffer) buffers_->give_back(id);
}

// ---- ending -------------------------------------------------------------------------------------------------------

void ring::end_now(ring_entry& e) noexcept {
    if (e.listed_in == ring_entry::place::queued) {
        take_out(e);
        e.completed(&e, {-ECANCELED, false, nullptr});
        return;
    }
    while (e.with_kernel) {
        cancel(e);
        turn(true, std::chrono::steady_clock::now() + say_again);
    }
}

void ring::end_resting() noexcept {
    if (foreign() || inherited()) return;
    while (resting_.first() != nullptr) {
        // No more than fit into the queue: request() would otherwise report in between, and change the list.
        unsigned n = 0;
        for (ring_entry* e = resting_.first(); e != nullptr && n < uring_queues::requests / 2; e = e->next, ++n)
            cancel(*e);
        turn(true, std::chrono::steady_clock::now() + say_again);
    }
}

void ring::end_everything() noexcept {
    while (ring_entry* const e = queue_.first()) {
        take_out(*e);
        e->completed(e, {-ECANCELED, false, nullptr});
    }
    while (under_way_ != 0) {
        cancel(0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
        turn(true, std::chrono::steady_clock::now() + say_again);
    }
}

void ring::ask_to_end(const ring_entry& e) noexcept {
    if (inherited()) return;
    // relaxed: the word is this thread only if this thread wrote it. Then the cancellation goes with the next batch.
    if (user_.load(std::memory_order_relaxed) == this_thread()) {
        cancel(e);
        return;
    }
    {
        const lock_guard guard(asked_lock_);
        const unsigned n = asked_count_.load(std::memory_order_relaxed);  // relaxed: written under the lock
        if (n < few) asked_[n] = reinterpret_cast<std::uintptr_t>(&e);
        asked_count_.store(n + 1, std::memory_order_relaxed);
    }
    driver_.wake();
}

// An entry that ask_to_end() named may be over, and another one be at its address: an operation that is ended by
// mistake begins again.
void ring::end_what_was_asked_for() noexcept {
    // relaxed: a look. A thread that asks wakes the driver after it has written the count, so another turn follows.
    if (asked_count_.load(std::memory_order_relaxed) == 0) return;
    std::uintptr_t these[few];
    unsigned n = 0;
    {
        const lock_guard guard(asked_lock_);
        n = asked_count_.exchange(0, std::memory_order_relaxed);
        for (unsigned i = 0; i < n && i < few; ++i) these[i] = asked_[i];
    }
    if (n > few) {
        cancel(0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
        return;
    }
    for (unsigned i = 0; i < n; ++i) cancel(these[i], 0);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide

#else  // without io_uring every loop uses epoll

namespace bide {
inline namespace v0 {
namespace detail {

struct uring_queues {};
class ring_buffers {};
ring::ring(driver& of, bool) : driver_(of), owner_(nullptr), process_(process_generation()) {
    throw std::system_error(std::make_error_code(std::errc::function_not_supported), "bide was built without io_uring");
}
ring::~ring() = default;
int ring::descriptor() const noexcept { return -1; }
bool ring::inherited() const noexcept { return true; }
bool ring::foreign() const noexcept { return true; }
bool ring::owned_here() const noexcept { return false; }
ring::ownership::taken ring::try_acquire() noexcept { return ownership::taken::no; }
void ring::acquire() noexcept {}
void ring::release() noexcept {}
void ring::queue(ring_entry&) noexcept {}
void ring::rest(ring_entry&) noexcept {}
void ring::take_out(ring_entry&) noexcept {}
void ring::cancel(std::uint64_t, unsigned) noexcept {}
void ring::end_now(ring_entry&) noexcept {}
void ring::turn(bool, time_point) noexcept {}
void ring::end_resting() noexcept {}
void ring::ask_to_end(const ring_entry&) noexcept {}

}  // namespace detail
}  // namespace v0
}  // namespace bide
#endif
