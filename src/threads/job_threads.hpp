// SPDX-License-Identifier: BSL-1.0
//
// job_threads: an elastic set of threads that runs jobs. It is the class behind bide::threads and behind the default
// set.
//   job_threads.cpp       the set, its workers, and the watch, which finds blocked workers and adds threads
//   blocked_thread.cpp    what the kernel says of a thread
//   default_threads.cpp   the default set
//   job.cpp               a job from its submission to its end
// Any thread may call the public functions. The workers' threads run worker_main, the watch's thread runs watch_main.
#pragma once

#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/base/short_spin.hpp>
#include <bide/detail/loop/virtual_clock.hpp>
#include <bide/detail/threads/job.hpp>
#include <bide/detail/threads/thread_set.hpp>
#include <bide/executor.hpp>
#include <bide/threads.hpp>

#include <pthread.h>
#include <sys/types.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

struct real_sync {
    using mutex = os_mutex;
    using lock = unique_lock<os_mutex>;
    using duration = std::chrono::steady_clock::duration;
    class condition {
    public:
        void wait(lock& l) { c_.wait(l); }
        [[nodiscard]] bool wait_for(lock& l, duration d) {
            return spin_until_notified(l) || c_.wait_for(l, d) == std::cv_status::no_timeout;
        }
        void notify_all() noexcept {
            told_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the mutex publishes the notifier's writes
            c_.notify_all();
        }

    private:
        // The notifier holds the mutex when it calls notify_all: so it notifies before this thread releases the mutex,
        // or this thread sees the change of `told_`. Unanalyzed: this function releases and takes the caller's lock
        // through a reference.
        [[nodiscard]] bool spin_until_notified(lock& l) noexcept BIDE_UNANALYZED {
            const auto before = told_.load(std::memory_order_relaxed);
            l.unlock();
            static_cast<void>(spin_.look([&] { return told_.load(std::memory_order_relaxed) != before; }));
            l.lock();
            return told_.load(std::memory_order_relaxed) != before;
        }
        os_condition c_;
        std::atomic<unsigned> told_{0};
        short_spin spin_;
    };
};

/// The executor in whose live list the debug view finds the jobs' nodes.
class job_home final : public executor {
public:
    job_home() noexcept = default;
    ~job_home() override { retire(); }
    /// A job is one call and no chain of frames, so nothing is posted here. A node that is posted all the same runs on
    /// the background loop.
    void post(ready_node& node) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return "threads"; }
};

class job_threads final : private thread_set<real_sync> {
public:
    explicit job_threads(const threads_options& options);
    job_threads(const job_threads&) = delete;
    job_threads& operator=(const job_threads&) = delete;
    ~job_threads();

    /// A thread of a set, and its worker.
    struct thread final : worker, thread_sleep {
        job_threads& set;
        pthread_t handle{};
        pid_t id = 0;
        counted_ptr<virtual_clock> job_clock;  // the clock of the job that it runs
        explicit thread(job_threads& s) noexcept : set(s) {}
        void begin_sleep() noexcept override { set.begin_sleep(*this); }
        void end_sleep() noexcept override { set.end_sleep(*this); }
        [[nodiscard]] virtual_clock* clock() const noexcept override { return job_clock.get(); }
    };
    /// Returns the calling thread; null if it belongs to no set.
    [[nodiscard]] static thread* current() noexcept;

    /// Returns true if this process is the child of a fork() in the process that made the set.
    [[nodiscard]] bool inherited() const noexcept;
    void check_process() const;  // throws usage_error if the set is inherited
    [[nodiscard]] submitted submit(job_base& j) { return thread_set::submit(j, called_inside()); }
    using thread_set::claim;
    /// Returns true if the calling thread runs a job of this set.
    [[nodiscard]] bool called_inside() const noexcept;
    [[nodiscard]] executor& home() noexcept { return home_; }

    void set_max(int n);
    [[nodiscard]] int max() const noexcept { return static_cast<int>(limit()); }
    [[nodiscard]] threads_counts counts() const noexcept;

    /// Blocks until every job has ended, and joins every thread. With `again` the set takes work afterwards.
    void shut_down(bool again);
    /// For the default set, at the end of the program: names the live jobs in dev mode. It waits for no job.
    void at_exit();

private:
    struct look;    // what the watch asks of one thread, and the answer
    struct growth;  // what the watch remembers from one round to the next

    [[nodiscard]] bool start_worker() noexcept override;
    [[nodiscard]] bool start_watch() noexcept override;
    void run(worker& w, queued_job& j) noexcept override;
    void join(worker& left) noexcept override;
    void strand(queued_job& j) noexcept override;

    [[nodiscard]] std::string live_jobs();
    void join_watch() noexcept BIDE_EXCLUDES(watch_m_);
    void watch() noexcept BIDE_EXCLUDES(mutex_);
    void choose(std::vector<look>& looks) noexcept BIDE_REQUIRES(mutex_);
    [[nodiscard]] hiring grow(growth& g) noexcept BIDE_REQUIRES(mutex_);
    void give_up(growth& g, job_queue& given_up) noexcept BIDE_REQUIRES(mutex_);
    [[nodiscard]] std::exception_ptr stuck_error() noexcept BIDE_EXCLUDES(mutex_);
    static void* worker_main(void* with) noexcept;
    static void* watch_main(void* with) noexcept;

    const int process_;
    const duration stuck_time_;
    job_home home_;
    os_mutex closing_;  // admits one shutdown at a time; guards no member
    os_mutex watch_m_;
    pthread_t watch_thread_ BIDE_GUARDED_BY(watch_m_){};
    bool watch_made_ BIDE_GUARDED_BY(watch_m_) = false;  // watch_thread_ has to be joined
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
