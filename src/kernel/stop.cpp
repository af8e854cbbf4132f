// SPDX-License-Identifier: BSL-1.0
//
// What user code asks of stop requests: a source requests, a callback registers, and the code that runs asks for its
// own. Every function may be called on any thread; current_stop() is about the chain that runs on the calling thread.
#include <bide/stop.hpp>

#include <bide/detail/kernel/task_node.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

stop_state* current_stop() noexcept {
    const context* now = current_context();
    return now != nullptr ? now->stop : nullptr;
}

void stop_registration::enter(stop_state* state) noexcept {
    if (state == nullptr) return;
    if (state->add(*this))
        in_ = state;
    else
        run(this);
}

void stop_registration::leave() noexcept {
    if (in_ != nullptr && !in_->remove(*this)) stop_callbacks::withdraw(*this);
}

}  // namespace detail

bool stop_source::request_stop(stop_reason why) const noexcept {
    // A copy keeps the state: a callback may destroy this source.
    const detail::shared_stop_ref state = state_;
    if (state.get() == nullptr) return false;  // moved from
    return state.get()->request(why);
}

bool stop_requested() noexcept {
    const detail::stop_state* now = detail::current_stop();
    return now != nullptr && now->requested();
}

stop_reason why_stopped() noexcept {
    const detail::stop_state* now = detail::current_stop();
    return now != nullptr ? now->reason() : stop_reason::none;
}

}  // namespace v0
}  // namespace bide
