// SPDX-License-Identifier: BSL-1.0
//
// started_base: the life of a started task, from launch() on the thread that starts it to finish() on the executor of
// the task; and submitted_work, the owner of what was submitted to a loop, a pool or a strand.
//
// finish() keeps the order at the end of a task: callable and arguments die, the result is published, the owner is
// told. The node may be gone after the owner was told.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/future/started.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- started tasks ------------------------------------------------------------------------------------------------

started_base::started_base(const std::source_location& where) noexcept
    : chain_root(task_kind::task, where, take_id(), &started_base::on_due) {}
started_base::~started_base() = default;

void started_base::launch(future_base& result, executor& ex, started_owner& by, const context* inherited) {
    owner = &by;
    inherit(ex, inherited);
    result.add_ref_alone();  // the owner's, given back in ended()
    try {
        by.adopt(*this);
    } catch (...) {
        result.drop_ref_alone();
        stop.unlink();
        throw;
    }
    enlist();
    ex.post(*this);
}

void started_base::on_due(call_node* node) noexcept {
    auto* self = static_cast<started_base*>(node);
    thread_state& t = this_thread;
    t.current = self;
    if (self->stop.requested()) {
        self->slot_of().state = outcome::stopped;
        self->finish();
        return;
    }
    slot_base* s = nullptr;
    try {
        frame_source frames(self->memory);
        s = &self->make_frame();
    } catch (...) {
        self->set_failure(std::current_exception());
        self->finish();
        return;
    }
    self->begin(*s, &started_base::on_end);
}

void started_base::on_end(call_node* node) noexcept { static_cast<started_base*>(node)->finish(); }

void started_base::finish() noexcept {
    const auto [s, result] = drop_callable();
    if (s.state == outcome::failed) settle();
    const future_status how = s.state == outcome::value    ? future_status::succeeded
                              : s.state == outcome::failed ? future_status::failed
                                                           : future_status::cancelled;
    if (how == future_status::cancelled) result.set_why(stop.reason());
    leave_tree();
    result.publish_started(how);
    owner->ended(*this, result, how);  // may be the end of the owner, and of *this
}

// ---- what was submitted -------------------------------------------------------------------------------------------

void submitted_work::adopt(started_base& child) {
    lock_guard guard(lock_);
    if (closed_.load(std::memory_order_relaxed))
        throw not_running(std::string(what_) + ": it has been stopped and takes no new work");
    live_.push_back(child);
    count_.fetch_add(1, std::memory_order_relaxed);  // relaxed: under the lock; ended() releases
}

void submitted_work::ended(started_base& child, future_base& result, future_status) noexcept {
    {
        lock_guard guard(lock_);
        live_.remove(child);
    }
    void (*const tell)(submitted_work*) noexcept = when_empty;
    result.drop_ref();
    // release: a thread that sees it empty sees what the tasks did.
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1 && tell != nullptr) tell(this);
}

void submitted_work::close(stop_reason why) noexcept {
    // The list may change while nodes are told (a stopped task ends, another thread submits): one at a time, each held
    // by a reference of ours.
    unique_lock guard(lock_);
    closed_.store(true, std::memory_order_release);
    started_base* n = live_.first();
    if (n != nullptr) n->state().add_ref();
    while (n != nullptr) {
        guard.unlock();
        n->stop.request(why);
        guard.lock();
        started_base* after = n->state().ready() ? live_.first() : n->younger;  // it may have left the list meanwhile
        while (after != nullptr && after->stop.requested()) after = after->younger;
        if (after != nullptr) after->state().add_ref();
        guard.unlock();
        n->state().drop_ref();
        guard.lock();
        n = after;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
