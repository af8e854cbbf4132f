// SPDX-License-Identifier: BSL-1.0
//
// The watch. The kernel knows which threads are blocked: /proc/self/task/ID/stat says S or D. It is asked only while
// jobs queue for want of threads, every few milliseconds, of the threads whose answer matters.
#include "threads/job_threads.hpp"

#include "base/os_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds first_look{1};
constexpr milliseconds look_every{5};
constexpr milliseconds queued_too_long{20};
constexpr std::size_t looks_at_most = 128;  // threads that are asked about at one time

bool is_blocked(pid_t thread) noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(thread));
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;  // not known: counted as running
    char text[256];
    const ssize_t n = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    if (n <= 0) return false;
    text[n] = '\0';
    const char* name_end = std::strrchr(text, ')');  // "ID (name) S …"; a name may hold anything
    if (name_end == nullptr || name_end[1] == '\0') return false;
    return name_end[2] == 'S' || name_end[2] == 'D';
}

}  // namespace

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
    clock::time_point since = clock::now();  // no job has begun since
    clock::time_point quiet = since;         // and none has gone on either
    unsigned burst;
    explicit growth(unsigned b) noexcept : burst(b) {}
};

void* job_threads::watch_main(void* with) noexcept {
    name_this_thread("bide watch");
    static_cast<job_threads*>(with)->watch();
    return nullptr;
}

bool job_threads::start_watch() noexcept {
    const lock_guard guard(watch_m_);
    if (std::exchange(watch_made_, false)) ::pthread_join(watch_thread_, nullptr);  // the one before is leaving
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

// Under the mutex: whom to ask about. Those that count as running first: they hold up the growth.
void job_threads::choose(std::vector<look>& looks) noexcept {
    looks.clear();
    try {
        looks.reserve(looks_at_most);
    } catch (...) {  // no memory: this time nobody is asked about
        return;
    }
    for (const bool blocked : {false, true})
        for (const worker* w = workers_; w != nullptr && looks.size() < looks_at_most; w = w->next_worker)
            if (w->busy && !w->asleep && w->blocked == blocked)
                looks.push_back({w, w->turn, static_cast<const thread*>(w)->id, false});
}

// Under the mutex: takes over what was seen, and says how many threads to add.
job_threads::hiring job_threads::grow(growth& g) noexcept {
    for (worker* w = workers_; w != nullptr; w = w->next_worker)
        for (const look& k : g.looks)
            if (k.at == w && k.turn == w->turn && w->busy && !w->asleep) see_blocked(*w, k.blocked);

    const clock::time_point now = clock::now();
    if (begun_ != g.begun) g.since = now;
    g.begun = begun_;
    const unsigned runnable = running_ - blocked_ + starting_;
    if (runnable < processors_) {
        // All that were added block: the next look adds more at once, so that a burst of blocking work does not wait.
        const unsigned wanted = std::max(processors_ - runnable, g.burst);
        g.burst = std::min(2 * g.burst, 1024U);
        return add(wanted);
    }
    g.burst = processors_;
    if (now - g.since < queued_too_long) return {};
    g.since = now;
    return add(1);
}

// Under the mutex: when everything waits inside bide and no thread can be added, the jobs for which it may be waiting,
// and which can never begin, are taken out.
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
            j->queued = false;  // ours: nobody else may claim it
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
