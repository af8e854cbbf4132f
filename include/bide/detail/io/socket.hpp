// SPDX-License-Identifier: BSL-1.0
//
// socket_state: one non-blocking descriptor, watched edge-triggered by the loops on which it is waited for. socket_op:
// one operation on it, a leaf.
//
// How an operation goes. It is tried at once; if the system would block, the descriptor is registered with the loop
// that carries the waiting task, and the leaf is parked in its direction. When the loop reports readiness, on its
// thread, the leaf is claimed, the operation is tried *for* the task, and only then is the task posted: so what arrived
// is delivered, or still with the system. If it would block again the leaf is parked once more (K3 holds already: it
// stays detached).
//
// Readiness is a flag per direction: cleared before each try, set by events; so an event that comes during a try is
// never missed. Registration belongs to a direction: a reader on one loop and a writer on another do not disturb each
// other, and whoever waits next on another loop takes the registration there. A stale event does no harm: it means
// "try".
//
// The lock is not held during a try; `trying_` keeps the descriptor open until the try is over.
//
// On a loop with io_uring an operation may go by another io_path than readiness (src/io/socket_ring.cpp). What receives or
// accepts waits for the socket's *multishot receive*: one request of the ring's that goes on from operation to operation, and
// brings what comes in memory of the ring's. It is tried with the descriptor -1 then: take what was received. Bytes for
// which nobody waits stay with the socket. While a multishot receive is under way nobody else may receive, or bytes would change
// their order; so whoever reads by trying, or on another loop, first has it ended. Such a try begins with what was
// received too, and with what the multishot receive has met (take_failure), which the system does not tell twice. What sends is
// not tried but queued, for the one batch per turn.
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
    more,     // it could go on, but others are to have their turn
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
    /// First thing in await_resume; throws what is not the world's error.
    void end() {
        frame = nullptr;
        if (failure_) [[unlikely]]
            std::rethrow_exception(failure_);
    }
    [[nodiscard]] bool under_way() const noexcept { return under_way_; }

    socket_state* socket_;
    std::error_code error_;
    bool drained_ = false;  // done, and the next try would block for certain
    io_path path_ = io_path::readiness;
    ring_entry* batched_ = nullptr;  // what is queued, of one that sends
    ring* ring_ = nullptr;           // where it is queued, or waits for a multishot receive

private:
    friend class socket_state;
    friend struct socket_ring;
    void leave() noexcept;
    [[nodiscard]] ring* ring_here() const noexcept;

    try_function try_;
    std::exception_ptr failure_;
    direction way_;
    bool in_ring_ = false;        // parked for the ring, not for readiness
    bool under_way_ = false;      // this is the operation of its direction
    bool has_reference_ = false;  // has a reference to the socket, from its parking on
};

class socket_state {
public:
    explicit socket_state(int fd) noexcept : fd_(fd) {}
    socket_state(const socket_state&) = delete;
    socket_state& operator=(const socket_state&) = delete;

    void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }  // relaxed: whoever adds has one already
    void drop_ref() noexcept {
        // acq_rel: the last one sees everything that the others did.
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Closes the descriptor; what is waiting ends with ECANCELED. From any thread.
    void close() noexcept;
    /// Calls f(fd) while the descriptor is certainly open; EBADF after close().
    template <class F>
    void use(F&& f) {
        const socket_lock guard(lock_);
        if (closed_) throw std::system_error(std::make_error_code(std::errc::bad_file_descriptor), "it is closed");
        std::forward<F>(f)(fd_);
    }
    [[nodiscard]] int descriptor() noexcept {
        const socket_lock guard(lock_);
        return closed_ ? -1 : fd_;
    }

    /// Returns when no try is under way, on whatever thread. After close(): none begins any more.
    void wait_for_tries() noexcept;

    // For operations under way, which are alone in their direction.
    /// Bytes that a cancelled read had taken: the next read begins with them.
    void give_back(std::span<const std::byte> bytes) noexcept;
    /// Takes what was given back, and what was received meanwhile.
    [[nodiscard]] std::size_t take_received(std::span<std::byte> to) noexcept;
    /// What the multishot receive has met, told once; and that the peer has ended.
    [[nodiscard]] std::error_code take_failure() noexcept;
    [[nodiscard]] bool peer_ended() noexcept;
    /// A connection that the multishot receive has accepted, or -1.
    [[nodiscard]] int take_accepted() noexcept;
    /// From now on every operation in this direction fails with it.
    void poison(direction way, std::error_code why) noexcept;
    [[nodiscard]] std::error_code poisoned(direction way) noexcept { return at(way).poisoned; }

private:
    friend class socket_op;
    friend struct registration;
    friend struct socket_ring;
    using socket_lock = unique_lock<spin_lock>;

    struct side {
        socket_op* op = nullptr;      // under way
        socket_op* parked = nullptr;  // the same one, when it waits to be claimed
        registration* watched = nullptr;
        std::error_code poisoned;
        bool ready = true;   // a try is worth while
        bool ended = false;  // the peer has ended its side: no further event may come, and a try does not block
    };

    ~socket_state();
    side& at(direction way) noexcept { return sides_[static_cast<int>(way)]; }
    [[nodiscard]] bool begin(socket_op& op) noexcept;
    [[nodiscard]] bool wait_for(socket_op& op) noexcept;
    [[nodiscard]] bool watch_on(loop& carrier, socket_op& op) noexcept;
    [[nodiscard]] attempt try_once(socket_op& op, side& s, socket_lock& lock) noexcept;
    [[nodiscard]] static bool park_again(socket_op& op, side& s, attempt last) noexcept;
    void became_ready(std::uint32_t events) noexcept;
    [[nodiscard]] socket_op* complete(side& s, socket_lock& lock) noexcept;
    void leave(socket_op& op) noexcept;
    [[nodiscard]] bool wait_for_readiness(socket_op& op, bool detached) noexcept;

    static void ended(socket_op& op, side& s) noexcept;
    static void resume(socket_op* op) noexcept;
    void try_is_over() noexcept;

    spin_lock lock_;
    bool closed_ = false;
    std::uint16_t trying_ = 0;  // tries that use the descriptor now
    const int fd_;
    side sides_[2];
    std::vector<std::byte> returned_;  // what was given back, or has been received for nobody
    std::size_t returned_from_ = 0;
    multishot_receive* multishot_ = nullptr;  // made at the first one
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
