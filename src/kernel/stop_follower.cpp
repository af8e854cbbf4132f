// SPDX-License-Identifier: BSL-1.0
//
// A follower registers with the leader's state on the leader's thread. The requesting thread calls pass_on(); the
// thread that destroys the follower calls unfollow(). The anchor's lock decides between the three, and is taken before
// the lock of the state.
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/stop_follower.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void stop_follower::follow(stop_state& leader, stop_state& mine) {
    stop_anchor& a = leader.anchor();
    a.add_ref();
    anchor_ = &a;
    mine_ = &mine;
    if (!leader.add(*this)) mine.request(leader.reason());
}

void stop_follower::unfollow() noexcept {
    stop_anchor* const a = anchor_;
    if (a == nullptr) return;
    bool taken_out = false;
    {
        const lock_guard guard(a->lock);
        if (a->state != nullptr) taken_out = a->state->remove(*this);
    }
    if (!taken_out) stop_callbacks::withdraw(*this);
    anchor_ = nullptr;  // not earlier: pass_on() may be reading it on another thread
    a->drop();
}

void stop_follower::pass_on(stop_callback_link* self) noexcept {
    auto& me = *static_cast<stop_follower*>(self);
    stop_reason why = stop_reason::none;
    {
        const lock_guard guard(me.anchor_->lock);
        why = me.anchor_->state != nullptr ? me.anchor_->state->reason() : me.anchor_->last;
    }
    me.mine_->request(why);  // the last use of `me`: the request may end the follower
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
