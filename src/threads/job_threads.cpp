// SPDX-License-Identifier: BSL-1.0
//
// job_threads: the set with real threads. Users' threads submit, shut down and count; each worker's thread runs jobs;
// one more thread, the watch, adds workers while jobs queue for want of threads.
//
// The watch asks the kernel which workers are blocked (blocked_thread.hpp): every few milliseconds, and only about the
// workers whose answer decides whether a thread is added.
#include "threads/job_threads.hpp"

#include "base/os_thread.hpp"
#include "base/place.hpp"
#include "base/static_tls.hpp"
#include "threads/blocked_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/error.hpp>
#include <bide/hooks.hpp>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
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

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds first_look{1};
constexpr milliseconds look_every{5};
constexpr milliseconds queued_too_long{20};
constexpr std::size_t looks_at_most = 128;  // threads that the watch asks about in one round

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
    for (const worker* w = workers_.first(); w != nullptr; w = w->next_worker) now.waiting += w->asleep ? 1 : 0;
    return now;
}

void job_threads::shut_down(bool again) {
    if (inherited()) return;  // the child of a fork() has none of the threads
    if (called_inside())
        throw would_deadlock(
            "threads: shutdown() in one of their own jobs would wait for that job; call it where the "
            "program ends, in plain code");
    thread_sleep* const told = tls().sleep;  // this thread runs a job of another set
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
    // Threads that have left are joined, so that a leak checker finds nothing of them. Jobs are not waited for.
    join_those_who_left();
    bool watching = false;
    {
        const lock l(mutex_);
        watching = watching_;
    }
    if (!watching) {
        join_watch();
    } else {  // the watch may leave at any moment, and no thread will join it
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

// ---- the watch -----------------------------------------------------------------------------------------------------

struct job_threads::look {
    const worker* at;
    std::uint64_t turn;
    pid_t id;
    bool blocked;
};

struct job_threads::growth {
    std::vector<look> looks;
    std::uint64_t begun = 0;
    std::uint64_t awakened = 0;
    clock::time_point since = clock::now();  // no job has begun since then
    clock::time_point quiet = since;         // no job has begun or was woken since then
    unsigned burst;                          // how many threads the next round adds if all workers are blocked
    explicit growth(unsigned b) noexcept : burst(b) {}
};

void* job_threads::watch_main(void* with) noexcept {
    name_this_thread("bide watch");
    static_cast<job_threads*>(with)->watch();
    return nullptr;
}

bool job_threads::start_watch() noexcept {
    const lock_guard guard(watch_m_);
    if (std::exchange(watch_made_, false))
        ::pthread_join(watch_thread_, nullptr);  // the watch before this one is leaving
    watch_made_ = start_thread(watch_thread_, &watch_main, this) == 0;
    return watch_made_;
}

void job_threads::watch() noexcept {
    growth g(processors_);
    duration pause = first_look;
    lock l(mutex_);
    while (watch_needed()) {
        (void)watch_call_.wait_for(l, pause);
        if (!watch_needed()) break;
        pause = std::min<duration>(pause * 2, look_every);
        choose(g.looks);
        l.unlock();
        for (look& k : g.looks) k.blocked = is_blocked(k.id);
        l.lock();
        const hiring h = grow(g);
        job_queue given_up;
        give_up(g, given_up);
        l.unlock();
        hire(h, nullptr);
        while (queued_job* j = given_up.pop()) static_cast<job_base*>(j)->end_unbegun(stuck_error());
        l.lock();
    }
    watching_ = false;
    left_.notify_all();
}

// Chooses the workers to ask about. Those that count as running come first: they keep the set from growing.
void job_threads::choose(std::vector<look>& looks) noexcept {
    looks.clear();
    try {
        looks.reserve(looks_at_most);
    } catch (...) {  // no memory: this round asks about no worker
        return;
    }
    for (const bool blocked : {false, true})
        for (const worker* w = workers_.first(); w != nullptr && looks.size() < looks_at_most; w = w->next_worker)
            if (w->busy && !w->asleep && w->blocked == blocked)
                looks.push_back({w, w->turn, static_cast<const thread*>(w)->id, false});
}

// Takes over the kernel's answers, and returns how many threads to add.
job_threads::hiring job_threads::grow(growth& g) noexcept {
    for (worker* w = workers_.first(); w != nullptr; w = w->next_worker)
        for (const look& k : g.looks)
            if (k.at == w && k.turn == w->turn && w->busy && !w->asleep) see_blocked(*w, k.blocked);

    const clock::time_point now = clock::now();
    if (begun_ != g.begun) g.since = now;
    g.begun = begun_;
    const unsigned runnable = running_ - blocked_ + starting_;
    if (runnable < processors_) {
        // All threads that were added block: the next round adds twice as many, so that a burst of blocking jobs begins
        // soon.
        const unsigned wanted = std::max(processors_ - runnable, g.burst);
        g.burst = std::min(2 * g.burst, 1024U);
        return add(wanted);
    }
    g.burst = processors_;
    if (now - g.since < queued_too_long) return {};
    g.since = now;
    return add(1);
}

// If every job waits inside bide and no thread can be added, takes the jobs out of the queue that a job of this set has
// submitted: jobs may be waiting for these, and they can never begin.
void job_threads::give_up(growth& g, job_queue& given_up) noexcept {
    const clock::time_point now = clock::now();
    if (!stuck() || awakened_ != g.awakened || begun_ != g.begun) g.quiet = now;
    g.awakened = awakened_;
    if (now - g.quiet < stuck_time_) return;
    for (queued_job* j = queue_.first(); j != nullptr;) {
        queued_job* const after = j->next_queued;
        if (j->inside) {
            queue_.remove(*j);
            given_up.push(*j);
            j->queued = false;  // the watch owns the job (J2): no other thread may claim it
        }
        j = after;
    }
    queue_shrank();
    g.quiet = now;
}

std::exception_ptr job_threads::stuck_error() noexcept {
    try {
        unsigned n = 0;
        {
            const lock l(mutex_);
            n = threads_;
        }
        throw limit_reached(
            "threads: this job cannot begin: all " + std::to_string(n) +
            " threads that there may be wait inside bide, and it was submitted by one of them. Raise "
            "threads_options::cap "
            "(or the system's limit of threads), or let coroutines wait with co_await instead of blocking threads");
    } catch (...) {
        return std::current_exception();
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
