// SPDX-License-Identifier: BSL-1.0
#include "base/place.hpp"
#include "kernel/this_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/future.hpp>
#include <bide/hooks.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void throw_null_callback() {
    throw std::invalid_argument("future::subscribe: both callbacks are needed, one is null; nothing was registered");
}
std::exception_ptr handle_gone() {
    return std::make_exception_ptr(usage_error(
        "future::wait: the last handle was destroyed or assigned to while wait() waited through it, so there "
        "is nothing that its reference could refer to; wait on a copy, or on an rvalue (the result is moved "
        "out then)"));
}
void throw_handle_gone() { std::rethrow_exception(handle_gone()); }
void throw_null_exception() {
    throw std::invalid_argument("promise::set_exception: the exception_ptr is null; the promise was not completed");
}
void throw_second_result() { throw usage_error("this promise has its result already; it is completed once"); }
std::exception_ptr make_broken_promise() noexcept {
    try {
        return std::make_exception_ptr(broken_promise());
    } catch (...) {
        return std::current_exception();
    }
}

void throw_second_future() { throw usage_error("promise::get_future was called before; copy the future instead"); }

void future_base::publish(future_status how) noexcept {
    leaf* claimed = nullptr;  // in order, linked by `next`: a claimed leaf is ours until it is resumed
    leaf** last = &claimed;
    bool subscribed = false;
    {
        lock_guard guard(lock);
        // release: the result was written before. Under the lock: a waiter that parks sees it, or is seen here.
        status_.store(how, std::memory_order_release);
        while (leaf* l = waiters.pop_claimed()) {
            *last = l;
            last = &l->next;
        }
        *last = nullptr;
        if (claimed != nullptr) consume();  // delivered for certain: nobody can cancel them any more
        if (first_ != nullptr) subscribed = calling_ = true;
    }
    while (claimed != nullptr) {
        leaf* l = claimed;
        claimed = l->next;
        l->next = nullptr;
        l->resume();
    }
    if (subscribed) run_subscribers();
}

void future_base::subscribe(subscriber* s) {
    {
        lock_guard guard(lock);
        if (!ready() || calling_) {  // the earlier ones are being called: this one comes after them, over there
            if (last_ != nullptr)
                last_->next = s;
            else
                first_ = s;
            last_ = s;
            return;
        }
        first_ = last_ = s;
        calling_ = true;
    }
    run_subscribers();
}

void future_base::run_subscribers() noexcept {
    add_ref();  // a subscriber may drop the last handle
    for (;;) {
        subscriber* s = nullptr;
        {
            lock_guard guard(lock);
            s = first_;
            if (s == nullptr) {
                calling_ = false;
                break;
            }
            first_ = s->next;
            if (first_ == nullptr) last_ = nullptr;
        }
        try {
            s->call(*this);
        } catch (...) {
            report_unhandled(std::current_exception(), "a future's subscriber");
        }
        delete s;
    }
    drop_ref();
}

void future_base::last_ref_gone() noexcept {
    if (!owned_ && !consumed() && status() == future_status::failed)
        report_unhandled(failure(), "a future that nobody waited for");
    while (subscriber* s = first_) {  // never completed: nobody is left to do it
        first_ = s->next;
        delete s;
    }
    destroy();
}

// ---- started tasks ------------------------------------------------------------------------------------------------

started_base::started_base(const std::source_location& where) noexcept
    : task_node(task_kind::task, where, take_id()),
      child_end{nullptr, &started_base::on_ended},
      call_node(&started_base::on_due) {}
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
    if (!start_nested(s->prepare(self, &self->ctx, attached))) self->finish();
}

void started_base::on_ended(child_end* end, slot_base*) noexcept {
    auto* self = static_cast<started_base*>(end);
    if (this_thread.ended_on == self->ctx.ex) {
        self->finish();
    } else {  // it had moved to another executor: its owner is told where it was started
        self->call = &started_base::on_returned;
        self->ctx.ex->post(*self);
    }
}

void started_base::on_returned(call_node* node) noexcept { static_cast<started_base*>(node)->finish(); }

void started_base::finish() noexcept {
    const auto [s, result] = drop_callable();
    if (s.state == outcome::failed && stop.requested() && failed_with_cancelled()) drop_failure();
    const future_status how = s.state == outcome::value    ? future_status::succeeded
                              : s.state == outcome::failed ? future_status::failed
                                                           : future_status::cancelled;
    if (how == future_status::cancelled) result.set_why(stop.reason());
    delist();
    stop.unlink();
    parent = nullptr;
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
    // release: whoever sees it empty sees what the tasks did.
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
