// SPDX-License-Identifier: BSL-1.0
#include "io/file_ring.hpp"

#include "loop/uring/ring.hpp"

#include <bide/detail/loop/loop_access.hpp>

#include <sys/uio.h>
#include <algorithm>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr wait_kind file_kind_of_wait{"file"};
}

file_step_leaf::file_step_leaf(promise_base& p, const ring_request& r) noexcept
    : leaf_awaiter(p, file_kind_of_wait, nullptr),
      ring_entry(&file_step_leaf::on_prepare, &file_step_leaf::on_report),
      stop_callback_link(&file_step_leaf::on_stop),
      request_(r) {}

// What the system has in its cache is copied here and now: that takes less than to ask for it in any other way.
bool file_step_leaf::read_from_cache() noexcept {
    if (request_.what != ring_request::kind::read_at) return false;
    const iovec to{request_.to, request_.size};
    const ssize_t n = ::preadv2(request_.fd, &to, 1, static_cast<off_t>(request_.offset), RWF_NOWAIT);
    // Not there, or not to be told, or the end (Linux 5.9 and 5.10 say 0 also where it is not): whoever reads next finds
    // out.
    if (n <= 0) return false;
    result_ = static_cast<int>(n);
    // The copy holds up the loop: with whole credits for each operation 32 MiB could be copied in one turn.
    constexpr unsigned per_credit = 8192;
    unsigned& credits = tls().credits;
    credits -= std::min(credits - 1, static_cast<unsigned>(n) / per_credit);
    return true;
}

bool file_step_leaf::try_now() noexcept {
    if (read_from_cache()) return true;
    // Plain code that waits for one file has no need of a ring, with its descriptors and its memory, on its thread.
    loop* const here = tls().running_loop;
    if (here != nullptr && here == tls().idle_loop && loop_access::driver_of(*here).ring_made == nullptr) return true;
    ring_ = loop_access::ring_of(*frame);
    return ring_ == nullptr;
}

// On the loop's thread, where the frame also ends. A stop from another thread may take the leaf from publish() on; what
// it posts runs here, later.
bool file_step_leaf::park() noexcept {
    promise_base* const me = frame;
    detach(me);
    if (publish())
        ring_->queue(*this);
    else
        post(me, step::unwind);
    return true;
}

bool file_step_leaf::on_prepare(ring_entry* self, ring_request& r) noexcept {
    auto& me = *static_cast<file_step_leaf*>(self);
    if (!me.claim()) return false;  // stopped; the frame is on its way
    if (!me.stop().add(me)) {       // stopped in between
        post(me.frame, step::unwind);
        return false;
    }
    me.claimed_ = true;
    r = me.request_;
    return true;
}

// On the thread that stops it, which on_report waits for: so the ring is there.
void file_step_leaf::on_stop(stop_callback_link* self) noexcept {
    auto& me = *static_cast<file_step_leaf*>(self);
    me.ring_->ask_to_end(me);
}

void file_step_leaf::on_report(ring_entry* self, const ring_report& r) noexcept {
    auto& me = *static_cast<file_step_leaf*>(self);
    if (me.claimed_) {
        if (!me.stop().remove(me)) stop_callbacks::withdraw(me);
    } else if (!me.claim()) {  // ended before it was handed over, and stopped
        return;
    }
    // Interrupted with nothing done. If the task is not to end it was by mistake, and a thread does it.
    const bool ended = r.result == -ECANCELED || r.result == -EINTR;
    if (ended && me.stop().requested()) {
        post(me.frame, step::unwind);
        return;
    }
    me.result_ = r.result;
    me.resume();
}

void file_step_leaf::take_out_of_ring() noexcept { ring_->take_out(*this); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
