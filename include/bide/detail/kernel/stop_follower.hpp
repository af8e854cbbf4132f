// SPDX-License-Identifier: BSL-1.0
//
// stop_follower: passes a request of one state (the leader) on to another state that may outlive it. A job on a thread
// needs that: the job goes on when the task that called to_thread has ended, and in the tree of states no child
// outlives its parent.
//
// The leader shares a stop_anchor with its followers, and drops its own reference when it is destroyed.
#pragma once

#include <bide/detail/base/countdown.hpp>
#include <bide/detail/kernel/stop_callbacks.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

struct stop_anchor {
    countdown refs{1};
    spin_lock lock;                                              // taken before the lock of the state
    stop_state* state BIDE_GUARDED_BY(lock);                     // null once the state has been destroyed
    stop_reason last BIDE_GUARDED_BY(lock) = stop_reason::none;  // the state's reason when it was destroyed
    explicit stop_anchor(stop_state& s) noexcept : state(&s) {}
    void add_ref() noexcept { refs.add(); }
    void drop() noexcept {
        if (refs.take_off()) delete this;
    }
};

class stop_follower : public stop_callback_link {
public:
    stop_follower() noexcept : stop_callback_link(&pass_on) {}
    stop_follower(const stop_follower&) = delete;
    stop_follower& operator=(const stop_follower&) = delete;
    ~stop_follower() { unfollow(); }

    /// A request of `leader` is made to `mine` too from now on, also one that was made before. Called in the chain of
    /// `leader`; throws bad_alloc.
    void follow(stop_state& leader, stop_state& mine);
    /// No request is passed on after it has returned. It blocks while another thread passes one on.
    void unfollow() noexcept;

private:
    static void pass_on(stop_callback_link* self) noexcept;
    stop_anchor* anchor_ = nullptr;
    stop_state* mine_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
