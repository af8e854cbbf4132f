// SPDX-License-Identifier: BSL-1.0
//
// socket_state: one non-blocking descriptor, which the loops that wait for it watch edge-triggered. socket_op: one
// operation on it, a leaf.
//
// How an operation goes. begin() tries it at once. If the system would block, watch_on() registers the descriptor with
// the loop that carries the awaiting task, and park_again() parks the leaf in its direction. When that loop reports
// readiness, its thread claims the leaf, tries the operation *for* the task, and posts the task only afterwards: so
// what arrived is either delivered or still with the system. If the system would block again, the thread parks the leaf
// once more (K3 holds: the frame stays detached).
//
// Readiness is a flag per direction. A try clears it before it begins, and events set it; so an event that comes during
// a try is never missed. A registration belongs to a direction: a reader on one loop and a writer on another do not
// disturb each other, and the next operation on another loop takes the registration there. A stale event does no harm:
// it only causes a try.
//
// The lock is not held during a try. `trying_` counts the tries; the descriptor is closed when the last of them is
// over.
//
// On a loop with io_uring an operation may go by another io_path than readiness (src/io/socket_ring.hpp). An operation
// that receives or accepts waits for the socket's *multishot receive*: one request of the ring's that goes on from
// operation to operation, and that brings what comes in the ring's own memory. The operation is then tried with the
// descriptor -1: take what was received. The socket keeps bytes for which no operation waits. While a multishot receive
// is under way no other operation may call recv(), or bytes would change their order: a reader that tries, or that runs
// on another loop, has the multishot receive ended first. Such a try begins with the bytes that the socket keeps, and
// with the failure that the multishot receive has met (take_failure), which the system does not tell twice. An
// operation that sends is not tried but queued, for the one batch of the turn.
//
// Thread rule: from any thread; the lock guards what changes. Rules I1 and I2 of docs/map.md are kept here.
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/loop/driver.hpp>
#include <bide/detail/loop/uring/ring_entry.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

class socket_state;
struct multishot_receive;
struct registration;
struct socket_ring;

enum class direction : std::uint8_t { in, out };
enum class attempt : std::uint8_t {
    done,     // the result or the error is in the operation
    blocked,  // the system says so: wait for readiness
    more,     // the try has used up its share of the turn, and is to be repeated
};

/// How an operation goes where there is a ring.
enum class io_path : std::uint8_t { readiness, receive, accept, send };

class socket_op : public leaf_awaiter<socket_op> {
public:
    socket_op(const socket_op&) = delete;
    socket_op& operator=(const socket_op&) = delete;

    [[nodiscard]] bool try_now() noexcept;
    [[nodiscard]] bool park() noexcept;

protected:
    using try_function = attempt (*)(socket_op& self, int fd) noexcept;

    socket_op(promise_base& p, const wait_kind& k, socket_state* s, direction way, try_function f) noexcept;
    ~socket_op() {
        if (under_way_) [[unlikely]]
            leave();
    }
    /// First thing in await_resume. Throws what is no error of the system's: a usage_error, a lack of memory.
    void end() {
        frame = nullptr;
        if (failure_) [[unlikely]]
            std::rethrow_exception(failure_);
    }
    /// The same for the form that throws: throws the operation's error, too.
    void end_without_error() {
        end();
        if (error_) [[unlikely]]
            fail();
    }
    [[noreturn]] void fail() const;
    [[nodiscard]] bool under_way() const noexcept { return under_way_; }

    socket_state* socket_;
    std::error_code error_;
    bool drained_ = false;  // the operation is done, and the next try would block for certain
    io_path path_ = io_path::readiness;
    ring_entry* batched_ = nullptr;  // of an operation that sends: what the ring queues
    ring* ring_ = nullptr;           // the ring that queues the operation, or whose multishot receive it waits for

private:
    friend class socket_state;
    friend struct socket_ring;
    void leave() noexcept;
    [[nodiscard]] ring* ring_here() const noexcept;

    try_function try_;
    std::exception_ptr failure_;
    direction way_;
    bool in_ring_ = false;        // the ring will complete it; readiness does not
    bool under_way_ = false;      // it is the operation of its direction (I1)
    bool has_reference_ = false;  // it has a reference to the socket: from its parking until it is resumed
};

class socket_state {
public:
    explicit socket_state(int fd) noexcept : fd_(fd) {}
    socket_state(const socket_state&) = delete;
    socket_state& operator=(const socket_state&) = delete;

    void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }  // relaxed: the caller has one already
    void drop_ref() noexcept {
        // acq_rel: the thread that drops the last one sees everything that the others did.
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Closes the descriptor. Operations that are parked end with ECANCELED. From any thread.
    void close() noexcept BIDE_EXCLUDES(lock_);
    /// Calls f(fd) while the descriptor is certainly open; EBADF after close().
    template <class F>
    void use(F&& f) BIDE_EXCLUDES(lock_) {
        const socket_lock guard(lock_);
        if (closed_) throw std::system_error(std::make_error_code(std::errc::bad_file_descriptor), "it is closed");
        std::forward<F>(f)(fd_);
    }
    [[nodiscard]] int descriptor() noexcept BIDE_EXCLUDES(lock_) {
        const socket_lock guard(lock_);
        return closed_ ? -1 : fd_;
    }

    /// Returns when no thread tries an operation. After close() no try begins any more.
    void wait_for_tries() noexcept BIDE_EXCLUDES(lock_);

    // For the try of an operation. It runs without the lock, and is alone in its direction.
    /// Keeps bytes that a cancelled read had taken: the next read begins with them.
    void give_back(std::span<const std::byte> bytes) noexcept BIDE_EXCLUDES(lock_);
    /// Takes what was given back, and what the multishot receive has received meanwhile. Returns how many bytes.
    [[nodiscard]] std::size_t take_received(std::span<std::byte> to) noexcept BIDE_EXCLUDES(lock_);
    /// Returns the failure that the multishot receive has met, once.
    [[nodiscard]] std::error_code take_failure() noexcept BIDE_EXCLUDES(lock_);
    /// Returns true if the multishot receive is just reporting the peer's end.
    [[nodiscard]] bool peer_ended() noexcept BIDE_EXCLUDES(lock_);
    /// Returns a connection that the multishot receive has accepted, or -1.
    [[nodiscard]] int take_accepted() noexcept BIDE_EXCLUDES(lock_);
    /// From now on every operation in this direction fails with `why`.
    void poison(direction way, std::error_code why) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] std::error_code poisoned(direction way) noexcept BIDE_EXCLUDES(lock_) {
        const socket_lock guard(lock_);  // a ring's thread may poison what a reader on another loop asks for
        return at(way).poisoned;
    }

private:
    friend class socket_op;
    friend struct registration;
    friend struct socket_ring;
    using socket_lock = unique_lock<spin_lock>;

    struct side {
        socket_op* op = nullptr;          // the operation that is under way
        socket_op* parked = nullptr;      // the same one, while it waits to be claimed
        registration* watched = nullptr;  // with the loop that reports readiness; both directions may share one
        std::error_code poisoned;         // every operation fails with it
        bool ready = true;                // a try may find something
        bool ended = false;               // the peer has ended its side: no further event comes, and no try blocks
    };

    ~socket_state();
    side& at(direction way) noexcept BIDE_REQUIRES(lock_) { return sides_[static_cast<int>(way)]; }
    [[nodiscard]] bool begin(socket_op& op) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] bool wait_for(socket_op& op) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] bool watch_on(loop& carrier, socket_op& op) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] attempt try_once(socket_op& op, side& s, socket_lock& lock) noexcept BIDE_REQUIRES(lock_);
    [[nodiscard]] bool publish(socket_op& op, side& s) noexcept BIDE_REQUIRES(lock_);
    void park_again(socket_op& op, side& s, attempt last) noexcept BIDE_REQUIRES(lock_);
    void became_ready(std::uint32_t events) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] socket_op* complete(side& s, socket_lock& lock) noexcept BIDE_REQUIRES(lock_);
    void leave(socket_op& op) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] bool wait_for_readiness(socket_op& op, bool detached) noexcept BIDE_EXCLUDES(lock_);

    static void ended(socket_op& op, side& s) noexcept;
    static void resume(socket_op* op) noexcept;
    void try_is_over() noexcept BIDE_REQUIRES(lock_);

    spin_lock lock_;
    bool closed_ BIDE_GUARDED_BY(lock_) = false;
    std::uint16_t trying_ BIDE_GUARDED_BY(lock_) = 0;  // tries that use the descriptor now
    const int fd_;
    side sides_[2] BIDE_GUARDED_BY(lock_);
    std::vector<std::byte> returned_ BIDE_GUARDED_BY(lock_);         // bytes that were given back, or received ahead
    std::size_t returned_from_ BIDE_GUARDED_BY(lock_) = 0;           // so many of them have been taken
    multishot_receive* multishot_ BIDE_GUARDED_BY(lock_) = nullptr;  // made when the first operation wants it
    std::atomic<std::uint32_t> refs_{1};
};

/// A counted handle to a socket, which closes it.
class socket_owner {
public:
    socket_owner() noexcept = default;
    explicit socket_owner(socket_state* adopted) noexcept : state_(adopted) {}
    socket_owner(socket_owner&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    socket_owner& operator=(socket_owner&& other) noexcept {
        if (this != &other) {
            reset();
            state_ = std::exchange(other.state_, nullptr);
        }
        return *this;
    }
    ~socket_owner() { reset(); }
    void reset() noexcept {
        if (state_ == nullptr) return;
        state_->close();
        std::exchange(state_, nullptr)->drop_ref();
    }
    [[nodiscard]] socket_state* get() const noexcept { return state_; }

private:
    socket_state* state_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
