// SPDX-License-Identifier: BSL-1.0
//
// holder: who holds a mutex, so that a wait for it that can have no end is found (1.6).
#pragma once

#include <bide/detail/deadlock/wait_graph.hpp>

#include <atomic>
#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

struct holder {
    std::uint64_t id;  // of the chain of frames, or of the thread; 0: nobody, or not known
    executor* ex;      // where it runs; null: plain code on a thread of its own
};
/// The task whose frame this is.
[[nodiscard]] inline holder holder_of(promise_base& p) noexcept {
    materialize_context(&p);
    return {p.ctx->owner->owner, p.ctx->ex};
}
/// The code that runs now. For a wait() this is the code that waits, not the loop that it drives meanwhile.
[[nodiscard]] holder current_holder() noexcept;

/// Written by who holds the primitive, or under its lock. A search for deadlocks on another thread may look at it at any
/// time, also where the primitive is a local one and has no lock: so the fields are atomic, and relaxed (a plain store),
/// because a deadlock does not go away while one looks.
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

/// A waiter that holds something once it is resumed.
struct holding_leaf : leaf {
    using leaf::leaf;
    holder acquirer;  // known before it is parked
};

/// The place of a wait() for messages, where there is one; else the frame knows it.
[[noreturn]] void throw_held_already(const char* what, const promise_base& p, const std::source_location* place);
[[noreturn]] void throw_not_held(const char* what);

}  // namespace detail
}  // namespace v0
}  // namespace bide
