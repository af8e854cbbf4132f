// SPDX-License-Identifier: BSL-1.0
//
// A job from its submission to its end (detail/threads/job.hpp). The submitting thread inherits context and queues the
// job; the thread that owns the job, a worker as a rule, runs it and publishes the result. A stop request ends a job
// that has not begun, on the requesting thread.
#include <bide/detail/threads/job.hpp>

#include "base/static_tls.hpp"
#include "loop/loop_service.hpp"
#include "threads/job_threads.hpp"

#include <bide/detail/base/rules.hpp>
#include <bide/detail/loop/driver.hpp>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

void throw_null_callable() { throw std::invalid_argument("bide: the callable is null; nothing was submitted"); }

namespace {
BIDE_STATIC_TLS constinit thread_local job_base* running_job = nullptr;

// While it lives, this thread's code runs as plain code of the job `now`. What runs further down this stack (a wait
// that runs the job, see help) has its own state of the thread, which the destructor restores.
class plain_code_context {
public:
    explicit plain_code_context(task_node& now) noexcept : t_(tls()), before_(t_) {
        t_.current = &now;
        t_.suspended = false;
        t_.idle_loop = nullptr;
        t_.blocking = nullptr;
        t_.unwinding = 0;
        t_.uncaught_base = std::uncaught_exceptions();
        t_.credits = credits_per_turn;
    }
    plain_code_context(const plain_code_context&) = delete;
    plain_code_context& operator=(const plain_code_context&) = delete;
    ~plain_code_context() {
        t_.current = before_.current;
        t_.suspended = before_.suspended;
        t_.idle_loop = before_.idle_loop;
        t_.blocking = before_.blocking;
        t_.unwinding = before_.unwinding;
        t_.uncaught_base = before_.uncaught_base;
        t_.credits = before_.credits;
    }

private:
    thread_state& t_;
    const thread_state before_;
};

// Threads run in real time. A deadline of code in virtual time becomes one that is as far away in real time.
time_point on_real_time(time_point deadline, const virtual_clock* clock) noexcept {
    if (clock == nullptr || deadline == time_point::max()) return deadline;
    return std::chrono::steady_clock::now() + (deadline - clock->now());
}
}  // namespace

// ---- submission -----------------------------------------------------------------------------------------------------

job_base::job_base(const std::source_location& where) noexcept : task_node(task_kind::job, where), cancel_(*this) {}
job_base::~job_base() = default;

void job_base::inherit_and_enlist(job_threads& set, const context* from, below how) {
    set_ = &set;
    ctx.ex = &set.home();
    slot_of().state = outcome::value;
    stop.add(cancel_);
    listening_ = true;
    const job_threads::thread* here = job_threads::current();
    const bool below_a_job = here != nullptr && here->job_clock;  // then the deadline is in real time already
    clock_ = below_a_job ? here->job_clock : clock_of_this_thread();
    if (clock_) clock_->job_begins();
    if (from != nullptr) {
        locals_ = locals_ref(from->locals);
        ctx.locals = locals_.get();
        ctx.deadline = below_a_job ? from->deadline : on_real_time(from->deadline, clock_.get());
        if (how == below::ends_after) {
            parent = from->owner;
            blocks_parent = true;
            owner = from->owner->owner;  // the job runs in the awaiting chain's stead, and owns the locks that it owns
            stop.link_to(*from->stop);
        } else {
            follower_.follow(*from->stop, stop);
        }
    }
    enlist();
}

void job_base::submit_to(job_threads& set, const context* from, below how) {
    BIDE_ASSERT(K3, how != below::ends_after ||
                        tls().suspended);  // the awaiting frame is detached before a worker sees the job
    set.check_process();
    try {
        inherit_and_enlist(set, from, how);
    } catch (...) {  // no memory
        leave();
        throw;
    }
    switch (set.submit(*this)) {
        case submitted::queued:
            return;  // *this may have run and be gone
        case submitted::unwanted:
            end_unbegun(nullptr);
            return;
        case submitted::closed:
            leave();
            throw not_running("threads: they have been shut down and take no new work");
        case submitted::no_thread:
            leave();
            throw std::system_error(EAGAIN, std::generic_category(), "bide: no thread could be made for the first job");
    }
}

void job_base::cancel_link::take_out(stop_callback_link* self) noexcept {
    job_base& j = static_cast<cancel_link*>(self)->job;
    if (j.set_->claim(j)) j.end_unbegun(nullptr);
}

// ---- its end --------------------------------------------------------------------------------------------------------

void job_base::stop_listening() noexcept {
    if (!std::exchange(listening_, false)) return;
    if (!stop.remove(cancel_)) stop_callbacks::withdraw(cancel_);
}

void job_base::leave() noexcept {
    stop_listening();
    leave_tree();
    ctx.locals = nullptr;
    locals_ = locals_ref();
    follower_.unfollow();
    if (clock_) std::exchange(clock_, counted_ptr<virtual_clock>())->job_ended();
}

void job_base::count_for(loop_service* service) {
    if (service != nullptr && !service->job_begins())
        throw not_running("this loop_thread has been stopped and takes no new work");
    counted_for_ = service;
}

void job_base::uncount() noexcept {
    if (counted_for_ != nullptr) std::exchange(counted_for_, nullptr)->job_ended();
}

bool job_base::running_for(const loop_service& service) noexcept {
    for (const job_base* j = running_job; j != nullptr; j = j->outer_)
        if (j->counted_for_ == &service) return true;
    return false;
}

void job_base::conclude() noexcept {
    const counted_ptr<virtual_clock> clock = std::move(clock_);
    loop_service* const owner_of_job = std::exchange(counted_for_, nullptr);
    leave();
    complete();
    if (owner_of_job != nullptr) owner_of_job->job_ended();  // last: the owner may be gone after it
    if (clock) clock->job_ended();                           // after the result was posted: from now on time may jump
}

void job_base::end_unbegun(std::exception_ptr failure) noexcept {
    BIDE_ASSERT(J2, !queued);
    drop_callable();
    if (failure)
        set_failure(std::move(failure));
    else
        slot_of().state = outcome::stopped;
    conclude();
}

void job_base::run() noexcept {
    BIDE_ASSERT(J2, !queued);
    stop_listening();
    outer_ = std::exchange(running_job, this);
    {
        const plain_code_context ground(*this);
        if (stop.requested()) {
            slot_of().state = outcome::stopped;
        } else {
            try {
                call();
            } catch (...) {
                set_failure(std::current_exception());
            }
        }
        BIDE_ASSERT(K5, !tls().suspended);  // each wait in the job has given control back
        drop_callable();
        if (slot_of().state == outcome::failed) settle();
    }
    running_job = outer_;
    conclude();
}

bool job_base::help() noexcept {
    job_threads::thread* here = job_threads::current();
    // Not on top of a running loop, whose tasks would stand still meanwhile; and not when the stack is nearly used up.
    if (here == nullptr || &here->set != set_ || tls().running_loop != nullptr || deep()) return false;
    if (!set_->claim(*this)) return false;
    if (task_node* const waiting =
            tls().current) {  // this chain goes on after the job: waits of the job are its waits, too
        parent = waiting;
        blocks_parent = true;
        owner = waiting->owner;
    }
    counted_ptr<virtual_clock> outer = std::exchange(here->job_clock, clock_);
    run();
    here->job_clock = std::move(outer);
    return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
