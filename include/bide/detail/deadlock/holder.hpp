// SPDX-License-Identifier: BSL-1.0
//
// holder: which chain of frames, or which thread, holds a mutex, so that a wait for it that can never end is found
// (1.6).
#pragma once

#include <bide/detail/deadlock/wait_graph.hpp>

#include <atomic>
#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

struct holder {
    std::uint64_t id;  // of the chain of frames, or of the thread; 0: not held, or not known
    executor* ex;      // the executor on which the holder runs; null: plain code on a thread of its own
};
/// The task that the frame belongs to, as a holder.
[[nodiscard]] inline holder holder_of(promise_base& p) noexcept {
    materialize_context(&p);
    return {p.ctx->owner->owner, p.ctx->ex};
}
/// The running code as a holder. In a wait() that is the code that waits, and not the loop that it drives meanwhile.
[[nodiscard]] holder current_holder() noexcept;

/// The holder of a primitive, as the search for deadlocks reads it. The holder itself writes it, or a thread under the
/// primitive's lock. A search on another thread may read it at any time, also for a local primitive, which has no lock.
/// So the fields are atomic; relaxed is enough, because a deadlock does not end while the search reads.
class holder_record {
public:
    void set(const holder& h) noexcept {
        id_.store(h.id, std::memory_order_relaxed);
        ex_.store(h.ex, std::memory_order_relaxed);
    }
    void forget() noexcept { set(holder()); }
    [[nodiscard]] holder get() const noexcept {
        return {id_.load(std::memory_order_relaxed), ex_.load(std::memory_order_relaxed)};
    }
    [[nodiscard]] bool is(const holder& h) const noexcept { return id_.load(std::memory_order_relaxed) == h.id; }

private:
    std::atomic<std::uint64_t> id_{0};
    std::atomic<executor*> ex_{nullptr};
};

/// The leaf of a waiter that holds the primitive once it is resumed.
struct holding_leaf : leaf {
    using leaf::leaf;
    holder acquirer;  // set before the leaf is parked
};

/// `place` is that of a wait(), for the message; null: the frame knows its place.
[[noreturn]] void throw_held_already(const char* what, const promise_base& p, const std::source_location* place);
[[noreturn]] void throw_not_held(const char* what);

}  // namespace detail
}  // namespace v0
}  // namespace bide
