// SPDX-License-Identifier: BSL-1.0
//
// thread_set: the queue of an elastic set of threads, and the decisions: which job begins, when a thread is added, when
// a thread leaves. It makes no thread and runs no job itself. src/threads/job_threads.cpp derives from it with real
// threads; tests/model/threads_shutdown.cpp derives from it with the model checker's mutex, so the model checks the
// code that runs.
//
// One mutex guards everything. Jobs begin in the order in which they were pushed, and a queued job begins only while
// fewer than `limit` jobs run. A job that sleeps inside bide does not count as running; when it is woken it goes on at
// once, so more than `limit` jobs can run for a while, and no queued job begins meanwhile. Every function that lowers
// `running_` looks whether a queued job may begin (serve, or take).
//
// Threads: an idle thread is called before a new one is made. A thread is added while fewer jobs run than there are
// processors. A job that blocks outside bide counts as running until the watch has found its thread blocked, or has
// found that no job began for a while. The watch is a thread that exists only while jobs queue for want of threads.
//
// Rules (asserted under the mutex):
//   J1  The counts fit: blocked jobs are running jobs, each running job has a thread of its own, and there are no more
//       threads than `cap`.
//   J2  A job has one owner: a thread that runs or ends a job has taken it out of the queue under the mutex.
//   J3  A worker enters one sleep at a time, so `running_` goes down and up by one for each sleep.
//   J4  When the last thread has left a closed set, no job is queued, running or being given a thread.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/two_way_list.hpp>

#include <cstdint>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// What the set knows of a job. The set's mutex guards the links and `queued`.
struct queued_job {
    queued_job* prev_queued = nullptr;
    queued_job* next_queued = nullptr;
    bool queued = false;
    bool inside = false;  // a job of the same set submitted it

    queued_job() = default;
    queued_job(const queued_job&) = delete;
    queued_job& operator=(const queued_job&) = delete;
    /// Returns true if the job was asked to stop. submit() calls it under the mutex: a stop request that comes later
    /// finds the job in the queue.
    [[nodiscard]] virtual bool unwanted() const noexcept = 0;

protected:
    ~queued_job() = default;
};

/// Jobs, first in, first out, counted. A job can be taken out of the middle.
class job_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return jobs_.empty(); }
    [[nodiscard]] unsigned size() const noexcept { return size_; }
    [[nodiscard]] queued_job* first() const noexcept { return jobs_.first(); }
    void push(queued_job& j) noexcept {
        jobs_.push_back(j);
        j.queued = true;
        ++size_;
    }
    void remove(queued_job& j) noexcept {
        jobs_.remove(j);
        if (j.queued) j.queued = false;  // TRAP: a list of jobs that the caller owns is emptied without the mutex
        --size_;
    }
    queued_job* pop() noexcept {
        queued_job* const j = jobs_.first();
        if (j != nullptr) remove(*j);
        return j;
    }
    /// Moves all jobs of another queue into this one, which is empty.
    void take_all(job_queue& from) noexcept {
        jobs_.take_all(from.jobs_);
        size_ = std::exchange(from.size_, 0U);
    }

private:
    two_way_list<queued_job, &queued_job::prev_queued, &queued_job::next_queued> jobs_;
    unsigned size_ = 0;
};

enum class submitted : std::uint8_t { queued, closed, unwanted, no_thread };

/// Sync has the types mutex, lock, duration, and condition with wait(lock), notify_all() and wait_for(lock, duration),
/// which returns false if the time is up.
template <class Sync>
class thread_set {
public:
    using mutex = typename Sync::mutex;
    using lock = typename Sync::lock;
    using condition = typename Sync::condition;
    using duration = typename Sync::duration;

    /// A thread of the set. The set's mutex guards every member.
    struct worker {
        worker* prev_worker = nullptr;  // in the list of all workers
        worker* next_worker = nullptr;
        worker* next_idle = nullptr;
        condition call;             // notifies the idle worker: it has a job, or looks at the queue again
        queued_job* job = nullptr;  // handed to the idle worker; it counts as running already
        bool idle = false;
        bool busy = false;       // runs a job
        bool asleep = false;     // its job sleeps inside bide
        bool blocked = false;    // the watch has found its thread blocked
        std::uint64_t turn = 0;  // changes with every begin and every awakening
    };

    thread_set(const thread_set&) = delete;
    thread_set& operator=(const thread_set&) = delete;

    /// Queues the job. `no_thread`: the set has no thread and could make none. The job is queued only for `queued`, and
    /// may have run and be gone when submit returns.
    submitted submit(queued_job& j, bool inside) BIDE_EXCLUDES(mutex_) {
        hiring h;
        {
            const lock l(mutex_);
            if (closed_ && !inside) return submitted::closed;
            if (j.unwanted()) return submitted::unwanted;
            j.inside = inside;
            queue_.push(j);
            h = serve();
            check_counts();
        }
        return hire(h, &j) ? submitted::queued : submitted::no_thread;
    }

    /// Returns true if the job had not begun: the caller has taken it out of the queue and owns it (J2).
    [[nodiscard]] bool claim(queued_job& j) noexcept BIDE_EXCLUDES(mutex_) {
        const lock l(mutex_);
        if (!j.queued) return false;
        queue_.remove(j);
        queue_shrank();
        return true;
    }

    void set_limit(unsigned n) BIDE_EXCLUDES(mutex_) {
        hiring h;
        {
            const lock l(mutex_);
            limit_ = n;
            h = serve();
        }
        hire(h, nullptr);
    }
    [[nodiscard]] unsigned limit() const noexcept BIDE_EXCLUDES(mutex_) {
        const lock l(mutex_);
        return limit_;
    }

    /// The worker's thread calls these in a job: before the thread sleeps inside bide, and after it was woken.
    void begin_sleep(worker& w) noexcept BIDE_EXCLUDES(mutex_) {
        hiring h;
        {
            const lock l(mutex_);
            if (!w.busy) return;
            BIDE_ASSERT(J3, !w.asleep);
            see_blocked(w, false);
            w.asleep = true;
            --running_;
            h = serve();
            check_counts();
        }
        hire(h, nullptr);
    }
    void end_sleep(worker& w) noexcept BIDE_EXCLUDES(mutex_) {
        const lock l(mutex_);
        if (!std::exchange(w.asleep, false)) return;
        ++running_;
        ++awakened_;
        ++w.turn;
        check_counts();
    }

    /// Refuses new work from outside, and blocks until every job has ended and every thread has left. reopen() takes
    /// the refusal back.
    void close() BIDE_EXCLUDES(mutex_) {
        {
            lock l(mutex_);
            closed_ = true;
            call_all_idle();
            watch_call_.notify_all();
            while (threads_ != 0 || watching_) left_.wait(l);
            BIDE_ASSERT(J4, queue_.empty() && running_ == 0 && blocked_ == 0 && starting_ == 0 && idle_.empty());
        }
        join_those_who_left();
    }
    void reopen() noexcept BIDE_EXCLUDES(mutex_) {
        const lock l(mutex_);
        closed_ = false;
    }

    /// The whole life of a thread, on that thread. add() has counted its worker before the thread was made.
    void work(worker& w) BIDE_EXCLUDES(mutex_) {
        worker* left_before = nullptr;
        {
            lock l(mutex_);
            enter(w);
            for (;;) {
                queued_job* j = std::exchange(w.job, nullptr);
                if (j == nullptr) j = take();
                if (j != nullptr) {
                    BIDE_ASSERT(J2, !j->queued);
                    w.busy = true;
                    ++w.turn;
                    ++begun_;
                    l.unlock();
                    run(w, *j);
                    l.lock();
                    see_blocked(w, false);
                    w.busy = false;
                    --running_;
                    check_counts();
                } else if (closed_ && queue_.empty()) {
                    break;
                } else if (!wait_for_call(l, w)) {
                    break;
                }
            }
            left_before = leave(w);
        }
        if (left_before != nullptr) join(*left_before);
    }

protected:
    thread_set(unsigned limit, unsigned cap, unsigned processors, duration idle)
        : cap_(cap), processors_(processors), idle_time_(idle), limit_(limit) {}
    ~thread_set() = default;

    /// What the caller has to do after it has released the mutex.
    struct hiring {
        unsigned threads = 0;
        bool watch = false;
    };

    // The set calls these without the mutex.
    [[nodiscard]] virtual bool start_worker() noexcept = 0;  // makes a worker and a thread that calls work()
    [[nodiscard]] virtual bool start_watch() noexcept = 0;   // makes a thread that ends watching_ when it leaves
    virtual void run(worker& w, queued_job& j) noexcept = 0;
    virtual void join(worker& left) noexcept = 0;     // joins the thread, which has left, and destroys the worker
    virtual void strand(queued_job& j) noexcept = 0;  // fails the job: no thread can be made for it

    /// To be called when a job may begin that could not before: hands jobs to idle workers, and says which threads to
    /// add.
    [[nodiscard]] hiring serve() noexcept BIDE_REQUIRES(mutex_) {
        while (!queue_.empty() && running_ < limit_ && !idle_.empty()) {
            worker& w = *idle_.first();
            call(w);
            w.job = queue_.pop();
            ++running_;
        }
        const unsigned now = running_ - blocked_ + starting_;
        return add(now < processors_ ? processors_ - now : 0);
    }

    /// Counts `wanted` threads as made, as far as there are jobs for them and the bounds allow.
    [[nodiscard]] hiring add(unsigned wanted) noexcept BIDE_REQUIRES(mutex_) {
        hiring h;
        if (idle_.empty()) {
            for (const unsigned bound : {difference(queue_.size(), starting_), difference(limit_, running_ + starting_),
                                         difference(cap_, threads_)})
                if (bound < wanted) wanted = bound;
            h.threads = wanted;
            threads_ += wanted;
            starting_ += wanted;
        }
        if (!watching_ && watch_needed()) h.watch = watching_ = true;
        return h;
    }

    /// Makes the threads that add() has counted. Returns false if the set has no thread at all and `mine` was queued:
    /// hire has emptied the queue and failed the other jobs, and the caller owns `mine`.
    bool hire(const hiring& h, const queued_job* mine) BIDE_EXCLUDES(mutex_) {
        bool here = true;
        if (h.watch && !start_watch()) end_watch();
        for (unsigned i = 0; i < h.threads; ++i)
            if (!start_worker() && !hire_failed(mine)) here = false;
        return here;
    }

    /// Returns true if jobs queue that could begin if there were threads, or that no thread will ever take (stuck).
    [[nodiscard]] bool watch_needed() const noexcept BIDE_REQUIRES(mutex_) {
        return queue_.size() > starting_ && idle_.empty() && running_ + starting_ < limit_ &&
               (threads_ < cap_ || running_ == 0);
    }
    /// Returns true if jobs queue, no thread can be added, and the jobs of all threads wait inside bide.
    [[nodiscard]] bool stuck() const noexcept BIDE_REQUIRES(mutex_) {
        return !queue_.empty() && (threads_ >= cap_ || refused_) && running_ == 0 && starting_ == 0 && idle_.empty();
    }
    /// For hire: the watch could not be made.
    void end_watch() noexcept BIDE_EXCLUDES(mutex_) {
        const lock l(mutex_);
        watching_ = false;
        left_.notify_all();
    }

    void see_blocked(worker& w, bool is) noexcept BIDE_REQUIRES(mutex_) {
        if (w.blocked == is) return;
        w.blocked = is;
        if (is)
            ++blocked_;
        else
            --blocked_;
    }

    /// To be called after jobs were taken out of the queue: the idle threads of a closed set leave when it is empty.
    void queue_shrank() noexcept BIDE_REQUIRES(mutex_) {
        if (closed_ && queue_.empty()) call_all_idle();
    }

    /// Joins the thread that left last, which has joined the one before it.
    void join_those_who_left() noexcept BIDE_EXCLUDES(mutex_) {
        worker* w = nullptr;
        {
            const lock l(mutex_);
            w = std::exchange(gone_, nullptr);
        }
        if (w != nullptr) join(*w);
    }

    /// J1. To be called at the end of each section that changes the counts.
    void check_counts() const noexcept BIDE_REQUIRES(mutex_) {
        BIDE_ASSERT(J1, blocked_ <= running_);
        BIDE_ASSERT(J1, running_ + starting_ <= threads_ && threads_ <= cap_);
    }

    const unsigned cap_;
    const unsigned processors_;
    const duration idle_time_;
    mutable mutex mutex_;
    job_queue queue_ BIDE_GUARDED_BY(mutex_);
    two_way_list<worker, &worker::prev_worker, &worker::next_worker> workers_ BIDE_GUARDED_BY(mutex_);
    // The worker that was busy last is called first; the others may leave.
    lifo<worker, &worker::next_idle> idle_ BIDE_GUARDED_BY(mutex_);
    worker* gone_ BIDE_GUARDED_BY(mutex_) = nullptr;  // left last; the next one to leave, or close(), joins it
    unsigned limit_ BIDE_GUARDED_BY(mutex_);
    unsigned threads_ BIDE_GUARDED_BY(mutex_) = 0;   // all threads, those that are being made included
    unsigned starting_ BIDE_GUARDED_BY(mutex_) = 0;  // of them: being made
    unsigned running_ BIDE_GUARDED_BY(mutex_) = 0;   // jobs that have begun and do not sleep inside bide
    unsigned blocked_ BIDE_GUARDED_BY(mutex_) = 0;   // of them: found blocked by the watch
    std::uint64_t begun_ BIDE_GUARDED_BY(mutex_) = 0;
    std::uint64_t awakened_ BIDE_GUARDED_BY(mutex_) = 0;
    bool refused_ BIDE_GUARDED_BY(mutex_) = false;  // the system refused the last thread
    bool closed_ BIDE_GUARDED_BY(mutex_) = false;
    bool watching_ BIDE_GUARDED_BY(mutex_) = false;
    condition left_;        // notifies close(): the last thread, or the watch, has left
    condition watch_call_;  // notifies the watch: the set was closed

private:
    static unsigned difference(unsigned a, unsigned b) noexcept { return a > b ? a - b : 0; }

    [[nodiscard]] queued_job* take() noexcept BIDE_REQUIRES(mutex_) {
        if (running_ >= limit_) return nullptr;
        queued_job* const j = queue_.pop();
        if (j == nullptr) return nullptr;
        ++running_;
        queue_shrank();
        return j;
    }

    void call(worker& w) noexcept BIDE_REQUIRES(mutex_) {  // w is the first idle worker
        static_cast<void>(idle_.pop());
        w.idle = false;
        w.call.notify_all();
    }
    void call_all_idle() noexcept BIDE_REQUIRES(mutex_) {
        while (!idle_.empty()) call(*idle_.first());
    }

    /// Blocks until the worker is called. Returns false if it was idle for too long, and leaves.
    bool wait_for_call(lock& l, worker& w) BIDE_REQUIRES(mutex_) {
        w.idle = true;
        idle_.push(w);
        while (w.idle) {
            if (w.call.wait_for(l, idle_time_) || !w.idle) continue;
            idle_.remove(w);
            w.idle = false;
            return false;
        }
        return true;
    }

    void enter(worker& w) noexcept BIDE_REQUIRES(mutex_) {
        --starting_;
        refused_ = false;
        workers_.push_front(w);
    }
    /// Returns the worker that left before, whose thread the caller has to join.
    [[nodiscard]] worker* leave(worker& w) noexcept BIDE_REQUIRES(mutex_) {
        BIDE_ASSERT(J3, !w.busy && !w.asleep && !w.blocked && !w.idle && w.job == nullptr);
        workers_.remove(w);
        if (--threads_ == 0) left_.notify_all();
        check_counts();
        return std::exchange(gone_, &w);
    }

    /// A thread could not be made. If the set has no thread at all, the queue is emptied and its jobs fail, all but
    /// `mine`. Returns false if `mine` was among them.
    bool hire_failed(const queued_job* mine) BIDE_EXCLUDES(mutex_) {
        job_queue stranded;
        {
            const lock l(mutex_);
            --starting_;
            refused_ = true;
            if (--threads_ != 0) return true;
            stranded.take_all(queue_);
            for (queued_job* j = stranded.first(); j != nullptr; j = j->next_queued) j->queued = false;
            left_.notify_all();
        }
        bool here = true;
        while (queued_job* j = stranded.pop()) {
            if (j == mine)
                here = false;
            else
                strand(*j);
        }
        return here;
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
