// SPDX-License-Identifier: BSL-1.0
//
// stop_follower: a request of one state also reaches another one that may outlive it: a job on a thread, which goes on
// when the task that called to_thread has ended. (In the tree of states a child never outlives its parent.)
//
// The followed state has an anchor, which it shares with its followers and lets go of when it dies.
#pragma once

#include <bide/detail/kernel/stop_callbacks.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

struct stop_anchor {
    std::atomic<std::uint32_t> refs{1};
    spin_lock lock;                                              // taken before the lock of the state
    stop_state* state BIDE_GUARDED_BY(lock);                     // null once the state has been destroyed
    stop_reason last BIDE_GUARDED_BY(lock) = stop_reason::none;  // the state's reason when it was destroyed
    explicit stop_anchor(stop_state& s) noexcept : state(&s) {}
    void add_ref() noexcept { refs.fetch_add(1, std::memory_order_relaxed); }  // relaxed: whoever adds has one
    void drop() noexcept {
        // acq_rel: the last one sees everything that the others did with it
        if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
};

class stop_follower : public stop_callback_link {
public:
    stop_follower() noexcept : stop_callback_link(&pass_on) {}
    stop_follower(const stop_follower&) = delete;
    stop_follower& operator=(const stop_follower&) = delete;
    ~stop_follower() { unfollow(); }

    /// From now on a request of `leader` is made to `mine` too (also one that was made before). Called in the chain of
    /// `leader`; throws bad_alloc.
    void follow(stop_state& leader, stop_state& mine);
    /// Afterwards nothing more is passed on: a request that is being passed on by another thread is waited for.
    void unfollow() noexcept;

private:
    static void pass_on(stop_callback_link* self) noexcept;
    stop_anchor* anchor_ = nullptr;
    stop_state* mine_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
