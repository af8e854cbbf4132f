// SPDX-License-Identifier: BSL-1.0
//
// job_threads: an elastic set with real threads below it.
//   threads.cpp        the set, its workers, and the public functions
//   threads_watch.cpp  the watch: which workers are blocked, and when to add threads
//   job.cpp            what a job does on its way
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
            told_.fetch_add(1, std::memory_order_relaxed);  // relaxed: the mutex passes on what was written before
            c_.notify_all();
        }

    private:
        // notify_all is called under the mutex: so it comes before we give that back, or is seen in `told_`.
        // Unanalyzed: the caller's guard is given back and taken again through a reference.
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

/// Where the nodes of jobs are listed for the debug view.
class job_home final : public executor {
public:
    job_home() noexcept = default;
    ~job_home() override { retire(); }
    /// A job is one call and no chain of frames, so nothing is posted here; what were, would be in good hands.
    void post(ready_node& node) noexcept override;
    [[nodiscard]] const char* name() const noexcept override { return "threads"; }
};

class job_threads final : private thread_set<real_sync> {
public:
    explicit job_threads(const threads_options& options);
    job_threads(const job_threads&) = delete;
    job_threads& operator=(const job_threads&) = delete;
    ~job_threads();

    /// A thread of a set.
    struct thread final : worker, thread_sleep {
        job_threads& set;
        pthread_t handle{};
        pid_t id = 0;
        counted_ptr<virtual_clock> job_clock;  // of the job that it runs
        explicit thread(job_threads& s) noexcept : set(s) {}
        void begin_sleep() noexcept override { set.begin_sleep(*this); }
        void end_sleep() noexcept override { set.end_sleep(*this); }
        [[nodiscard]] virtual_clock* clock() const noexcept override { return job_clock.get(); }
    };
    /// The calling thread, if it belongs to a set.
    [[nodiscard]] static thread* current() noexcept;

    [[nodiscard]] bool inherited() const noexcept;  // this process is the child of the one that made it
    void check_process() const;
    [[nodiscard]] submitted submit(job_base& j) { return thread_set::submit(j, called_inside()); }
    using thread_set::claim;
    [[nodiscard]] bool called_inside() const noexcept;
    [[nodiscard]] executor& home() noexcept { return home_; }

    void set_max(int n);
    [[nodiscard]] int max() const noexcept { return static_cast<int>(limit()); }
    [[nodiscard]] threads_counts counts() const noexcept;

    /// Runs everything to its end and joins. `again`: the set takes work afterwards.
    void shut_down(bool again);
    /// For the default set, when the program ends: names the jobs that are alive (dev mode). Waits for nothing.
    void at_exit();

private:
    struct look;    // at one thread
    struct growth;  // what the watch knows from one look to the next

    [[nodiscard]] bool start_worker() noexcept override;
    [[nodiscard]] bool start_watch() noexcept override;
    void run(worker& w, queued_job& j) noexcept override;
    void join(worker& left) noexcept override;
    void strand(queued_job& j) noexcept override;

    [[nodiscard]] std::string live_jobs();
    void join_watch() noexcept;
    void watch() noexcept;
    void choose(std::vector<look>& looks) noexcept;
    [[nodiscard]] hiring grow(growth& g) noexcept;
    void give_up(growth& g, job_queue& given_up) noexcept;
    [[nodiscard]] std::exception_ptr stuck_error() noexcept;
    static void* worker_main(void* with) noexcept;
    static void* watch_main(void* with) noexcept;

    const int process_;
    const duration stuck_time_;
    job_home home_;
    os_mutex closing_;  // one shutdown at a time
    os_mutex watch_m_;  // over the two below
    pthread_t watch_thread_{};
    bool watch_made_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
