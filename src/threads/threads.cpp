// SPDX-License-Identifier: BSL-1.0
#include "base/os_thread.hpp"
#include "base/place.hpp"
#include "base/static_tls.hpp"
#include "threads/job_threads.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/error.hpp>
#include <bide/hooks.hpp>
#include <bide/loop.hpp>

#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

BIDE_STATIC_TLS constinit thread_local job_threads::thread* this_thread = nullptr;

unsigned at_least_one(long long n, const char* what) {
    if (n < 1) throw std::invalid_argument(std::string("bide::threads: ") + what + " must be at least 1");
    return static_cast<unsigned>(n);
}

}  // namespace

void job_home::post(ready_node& node) noexcept { background_loop().post(node); }

// ---- the set --------------------------------------------------------------------------------------------------------

job_threads::job_threads(const threads_options& options)
    : thread_set(at_least_one(options.max, "max"), at_least_one(options.cap, "cap"), count_processors(),
                 std::chrono::milliseconds(at_least_one(options.idle.count(), "idle"))),
      process_(process_generation()),
      stuck_time_(std::chrono::milliseconds(at_least_one(options.stuck.count(), "stuck"))) {}

job_threads::~job_threads() { shut_down(false); }

bool job_threads::inherited() const noexcept { return process_ != process_generation(); }
void job_threads::check_process() const {
    if (inherited())
        throw usage_error(
            "these threads were begun before fork(): they do not exist in the child; fork first, use "
            "threads afterwards, or call exec in the child");
}

job_threads::thread* job_threads::current() noexcept { return this_thread; }

bool job_threads::called_inside() const noexcept { return this_thread != nullptr && &this_thread->set == this; }

void job_threads::set_max(int n) { set_limit(at_least_one(n, "the maximum")); }

threads_counts job_threads::counts() const noexcept {
    const lock l(mutex_);
    threads_counts now{};
    now.threads = static_cast<int>(threads_);
    now.running = static_cast<int>(running_);
    now.queued = static_cast<int>(queue_.size());
    for (const worker* w = workers_; w != nullptr; w = w->next_worker) now.waiting += w->asleep ? 1 : 0;
    return now;
}

void job_threads::shut_down(bool again) {
    if (inherited()) return;  // in the child of a fork there is nobody to join
    if (called_inside())
        throw would_deadlock(
            "threads: shutdown() in one of their own jobs would wait for that job; call it where the "
            "program ends, in plain code");
    thread_sleep* const told = tls().sleep;  // a job of another set
    if (told != nullptr) told->begin_sleep();
    {
        const lock_guard one_at_a_time(closing_);
        close();
        join_watch();
        if (again) reopen();
    }
    if (told != nullptr) told->end_sleep();
}

void job_threads::join_watch() noexcept {
    const lock_guard guard(watch_m_);
    if (std::exchange(watch_made_, false)) ::pthread_join(watch_thread_, nullptr);
}

void job_threads::at_exit() {
    if (inherited()) return;
    if (dev_mode()) {
        const std::string alive = live_jobs();
        if (!alive.empty())
            report("the program ends while jobs on its threads are alive; bide::shutdown() joins them. Submitted at:" +
                   alive);
    }
    // What has ended already leaves nothing behind; nothing is waited for.
    join_those_who_left();
    bool watching = false;
    {
        const lock l(mutex_);
        watching = watching_;
    }
    if (!watching) {
        join_watch();
    } else {  // it may end at any moment, and nobody will be there to join it
        const lock_guard guard(watch_m_);
        if (std::exchange(watch_made_, false)) ::pthread_detach(watch_thread_);
    }
}

std::string job_threads::live_jobs() {
    live_list& list = live_access::of(home_);
    const lock_guard guard(list.lock);
    std::string text;
    for (const task_node* n = list.first; n != nullptr; n = n->next)
        text += std::string("\n  ") + place_of(n->started) + " in " + n->started.function_name();
    return text;
}

// ---- its threads ----------------------------------------------------------------------------------------------------

void* job_threads::worker_main(void* with) noexcept {
    auto& me = *static_cast<thread*>(with);
    name_this_thread("bide thread");
    me.handle = ::pthread_self();
    me.id = ::gettid();
    this_thread = &me;
    tls().sleep = &me;
    me.set.work(me);
    tls().sleep = nullptr;
    this_thread = nullptr;
    return nullptr;
}

bool job_threads::start_worker() noexcept {
    auto* const w = new (std::nothrow) thread(*this);
    pthread_t made{};
    if (w != nullptr && start_thread(made, &worker_main, w) == 0) return true;
    delete w;
    return false;
}

void job_threads::run(worker& w, queued_job& j) noexcept {
    auto& here = static_cast<thread&>(w);
    auto& job = static_cast<job_base&>(j);
    here.job_clock = job.clock();
    job.run();
    here.job_clock = counted_ptr<virtual_clock>();
}

void job_threads::join(worker& left) noexcept {
    auto* const w = static_cast<thread*>(&left);
    ::pthread_join(w->handle, nullptr);
    delete w;
}

void job_threads::strand(queued_job& j) noexcept {
    static_cast<job_base&>(j).end_unbegun(std::make_exception_ptr(
        std::system_error(EAGAIN, std::generic_category(), "bide: no thread could be made for this job")));
}

// ---- the default set ------------------------------------------------------------------------------------------------

namespace {
std::atomic<job_threads*> default_set{nullptr};
}

// Never destroyed: leaving main neither waits for it nor stops it. The child of a fork gets another one.
job_threads& default_threads() {
    job_threads* now = default_set.load(std::memory_order_acquire);
    while (now == nullptr || now->inherited()) {
        static const int registered = std::atexit([] {
            if (job_threads* const set = default_set.load(std::memory_order_acquire)) set->at_exit();
        });
        (void)registered;
        auto fresh = std::make_unique<job_threads>(threads_options{});
        // acq_rel: two threads may ask at once; the loser sees the winner's complete.
        if (default_set.compare_exchange_strong(now, fresh.get(), std::memory_order_acq_rel, std::memory_order_acquire))
            return *fresh.release();
    }
    return *now;
}

}  // namespace detail

threads::threads() : threads(threads_options{}) {}
threads::threads(const threads_options& options) : set_(new detail::job_threads(options)) {}
threads::~threads() {
    if (set_->inherited()) return;  // the child of a fork: its threads wait in there, in another process
    if (set_->called_inside()) detail::fail_fast("threads destroyed in one of their own jobs: they would wait for it");
    delete set_;
}
void threads::set_max(int n) {
    set_->check_process();
    set_->set_max(n);
}
int threads::max() const { return set_->max(); }
void threads::shutdown() { set_->shut_down(false); }
threads_counts threads::counts() const { return set_->counts(); }

void set_max_threads(int n) { detail::default_threads().set_max(n); }
int max_threads() { return detail::default_threads().max(); }

void shutdown() {
    detail::job_threads* const jobs = detail::default_set.load(std::memory_order_acquire);
    if (jobs != nullptr) jobs->shut_down(true);
    detail::shutdown_background();
    if (jobs != nullptr) jobs->shut_down(true);  // what the background's cleanup submitted
}

}  // namespace v0
}  // namespace bide
