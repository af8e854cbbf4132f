// SPDX-License-Identifier: BSL-1.0
//
// The leaf of file_step: queued by the task, handed over and reported by the loop's thread, cancelled from any thread.
//
// The order of events: park() queues the entry; on_prepare claims the leaf and registers for stop requests, or finds it
// stopped; on_report withdraws that registration, and resumes or unwinds the frame.
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

// Copies what the system has in its cache, on the task's thread: that costs less than any request.
bool file_step_leaf::read_from_cache() noexcept {
    if (request_.what != ring_request::kind::read_at) return false;
    const iovec to{request_.to, request_.size};
    const ssize_t n = ::preadv2(request_.fd, &to, 1, static_cast<off_t>(request_.offset), RWF_NOWAIT);
    // Zero bytes or an error: the data is not in the cache, or the file system cannot say, or the file ends here.
    // (Linux 5.9 and 5.10 return 0 also before the end.) The request or the job that follows finds out.
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
    // A wait() in plain code makes no ring for one file: its descriptors and memory would stay with the thread.
    loop* const here = tls().running_loop;
    if (here != nullptr && here == tls().idle_loop && loop_access::driver_of(*here).ring_made == nullptr) return true;
    ring_ = loop_access::ring_of(*frame);
    return ring_ == nullptr;
}

// Runs on the loop's thread. Another thread's stop request may claim the leaf as soon as it is published; what that
// posts runs on the loop's thread, so after this function.
bool file_step_leaf::park() noexcept {
    promise_base* const me = frame;
    detach(me);
    BIDE_ASSERT(W5, !ring_entry::with_kernel && ring_entry::listed_in == place::nowhere);
    if (publish())
        ring_->queue(*this);
    else
        post(me, step::unwind);
    return true;
}

bool file_step_leaf::on_prepare(ring_entry* self, ring_request& r) noexcept {
    auto& me = *static_cast<file_step_leaf*>(self);
    BIDE_ASSERT(W5, !me.claimed_ && !me.with_kernel);
    if (!me.claim()) return false;  // a stop request has claimed the leaf, and posted the frame
    if (!me.stop().add(me)) {       // stop was requested between the two
        post(me.frame, step::unwind);
        return false;
    }
    me.claimed_ = true;
    r = me.request_;
    return true;
}

// Runs on the thread that requests the stop. on_report waits until this function has returned, so the ring still
// exists.
void file_step_leaf::on_stop(stop_callback_link* self) noexcept {
    auto& me = *static_cast<file_step_leaf*>(self);
    me.ring_->ask_to_end(me);
}

void file_step_leaf::on_report(ring_entry* self, const ring_report& r) noexcept {
    auto& me = *static_cast<file_step_leaf*>(self);
    BIDE_ASSERT(W5, !me.with_kernel);
    if (me.claimed_) {
        if (!me.stop().remove(me)) stop_callbacks::withdraw(me);
    } else if (!me.claim()) {  // the ring ended before the hand-over, and a stop request has posted the frame
        return;
    }
    // The kernel has ended the request before it did anything. Without a stop request the caller lets a thread do the
    // work.
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
