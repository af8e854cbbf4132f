// SPDX-License-Identifier: BSL-1.0
//
// thread_set: who works in an elastic set of threads, and when: the queue, the admission, the growth, the end. It makes
// no thread and runs no job itself; src/threads/threads.cpp does, and tests/model/threads_shutdown.cpp with the model checker's
// mutex, so that what is checked is what runs.
//
// Everything is under one mutex. A job is pushed, and begins when fewer than `limit` run; first in, first out. A job
// that sleeps inside bide does not run meanwhile, and runs again at once when it is woken: so more than `limit` can run
// for a while, but then none begins. Whoever lowers `running_` looks whether another job may begin (serve, or take).
//
// Threads: an idle one is called first. One is added when fewer jobs run than there are processors; a job that blocks
// outside bide counts as running until the watch, a thread that exists only while jobs queue for want of threads, has
// seen that it is blocked, or that no job has begun for a while.
#pragma once

#include <cstdint>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// What the set knows of a job.
struct queued_job {
    queued_job* prev_queued = nullptr;
    queued_job* next_queued = nullptr;
    bool queued = false;
    bool inside = false;  // submitted by a job of the same set

    queued_job() = default;
    queued_job(const queued_job&) = delete;
    queued_job& operator=(const queued_job&) = delete;
    /// It was asked to stop before it was queued; asked under the mutex.
    [[nodiscard]] virtual bool unwanted() const noexcept = 0;

protected:
    ~queued_job() = default;
};

class job_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] unsigned size() const noexcept { return size_; }
    [[nodiscard]] queued_job* first() const noexcept { return first_; }
    void push(queued_job& j) noexcept {
        j.prev_queued = last_;
        j.next_queued = nullptr;
        (last_ != nullptr ? last_->next_queued : first_) = &j;
        last_ = &j;
        j.queued = true;
        ++size_;
    }
    void remove(queued_job& j) noexcept {
        (j.prev_queued != nullptr ? j.prev_queued->next_queued : first_) = j.next_queued;
        (j.next_queued != nullptr ? j.next_queued->prev_queued : last_) = j.prev_queued;
        j.prev_queued = j.next_queued = nullptr;
        j.queued = false;
        --size_;
    }
    queued_job* pop() noexcept {
        queued_job* const j = first_;
        if (j != nullptr) remove(*j);
        return j;
    }

private:
    queued_job* first_ = nullptr;
    queued_job* last_ = nullptr;
    unsigned size_ = 0;
};

enum class submitted : std::uint8_t { queued, closed, unwanted, no_thread };

/// Sync: mutex, lock, duration, and condition with wait(lock), wait_for(lock, duration) (false: time is up),
/// notify_all.
template <class Sync>
class thread_set {
public:
    using mutex = typename Sync::mutex;
    using lock = typename Sync::lock;
    using condition = typename Sync::condition;
    using duration = typename Sync::duration;

    struct worker {
        worker* prev_worker = nullptr;  // all that work
        worker* next_worker = nullptr;
        worker* next_idle = nullptr;
        condition call;             // idle: there is a job, or it is to look again
        queued_job* job = nullptr;  // handed over; it counts as running already
        bool idle = false;
        bool busy = false;       // in a job
        bool asleep = false;     // in a job that sleeps inside bide
        bool blocked = false;    // in a job that was seen to be blocked
        std::uint64_t turn = 0;  // changes with every begin and every awakening
    };

    thread_set(const thread_set&) = delete;
    thread_set& operator=(const thread_set&) = delete;

    /// no_thread: there is no thread at all and none could be made; the job is not queued then, nor when it is closed.
    submitted submit(queued_job& j, bool inside) {
        hiring h;
        {
            const lock l(mutex_);
            if (closed_ && !inside) return submitted::closed;
            if (j.unwanted()) return submitted::unwanted;
            j.inside = inside;
            queue_.push(j);
            h = serve();
        }
        return hire(h, &j) ? submitted::queued : submitted::no_thread;
    }

    /// True: the job had not begun and is the caller's now.
    [[nodiscard]] bool claim(queued_job& j) noexcept {
        const lock l(mutex_);
        if (!j.queued) return false;
        queue_.remove(j);
        queue_shrank();
        return true;
    }

    void set_limit(unsigned n) {
        hiring h;
        {
            const lock l(mutex_);
            limit_ = n;
            h = serve();
        }
        hire(h, nullptr);
    }
    [[nodiscard]] unsigned limit() const noexcept {
        const lock l(mutex_);
        return limit_;
    }

    /// Called in a job, by its worker's thread: it sleeps inside bide, and goes on.
    void begin_sleep(worker& w) noexcept {
        hiring h;
        {
            const lock l(mutex_);
            if (!w.busy) return;
            see_blocked(w, false);
            w.asleep = true;
            --running_;
            h = serve();
        }
        hire(h, nullptr);
    }
    void end_sleep(worker& w) noexcept {
        const lock l(mutex_);
        if (!std::exchange(w.asleep, false)) return;
        ++running_;
        ++awakened_;
        ++w.turn;
    }

    /// Refuses new work from outside, and returns when every job has ended and every thread has left. reopen() takes
    /// the refusal back.
    void close() {
        {
            lock l(mutex_);
            closed_ = true;
            call_all_idle();
            watch_call_.notify_all();
            while (threads_ != 0 || watching_) left_.wait(l);
        }
        join_those_who_left();
    }
    void reopen() noexcept {
        const lock l(mutex_);
        closed_ = false;
    }

    /// The whole life of a thread; its worker was counted before it was made.
    void work(worker& w) {
        worker* left_before = nullptr;
        {
            lock l(mutex_);
            enter(w);
            for (;;) {
                queued_job* j = std::exchange(w.job, nullptr);
                if (j == nullptr) j = take();
                if (j != nullptr) {
                    w.busy = true;
                    ++w.turn;
                    ++begun_;
                    l.unlock();
                    run(w, *j);
                    l.lock();
                    see_blocked(w, false);
                    w.busy = false;
                    --running_;
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
        : limit_(limit), cap_(cap), processors_(processors), idle_time_(idle) {}
    ~thread_set() = default;

    /// What has to be done after the mutex was given back.
    struct hiring {
        unsigned threads = 0;
        bool watch = false;
    };

    [[nodiscard]] virtual bool start_worker() noexcept = 0;  // makes a worker and a thread that calls work()
    [[nodiscard]] virtual bool start_watch() noexcept = 0;   // makes a thread that calls end_watch() when it leaves
    virtual void run(worker& w, queued_job& j) noexcept = 0;
    virtual void join(worker& left) noexcept = 0;     // its thread is at its end; destroys the worker
    virtual void strand(queued_job& j) noexcept = 0;  // no thread can be made for it: it fails

    /// Under the mutex, whenever a job may begin that could not before: calls idle threads, and says what to add.
    [[nodiscard]] hiring serve() noexcept {
        while (!queue_.empty() && running_ < limit_ && idle_ != nullptr) {
            worker& w = *idle_;
            call(w);
            w.job = queue_.pop();
            ++running_;
        }
        const unsigned now = running_ - blocked_ + starting_;
        return add(now < processors_ ? processors_ - now : 0);
    }

    /// Under the mutex: counts `wanted` threads as made, as far as there are jobs for them and the bounds allow.
    [[nodiscard]] hiring add(unsigned wanted) noexcept {
        hiring h;
        if (idle_ == nullptr) {
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

    /// Outside the mutex: makes what was counted. False: `mine` is in no queue any more, nobody could run it.
    bool hire(const hiring& h, const queued_job* mine) {
        bool here = true;
        if (h.watch && !start_watch()) end_watch();
        for (unsigned i = 0; i < h.threads; ++i)
            if (!start_worker() && !hire_failed(mine)) here = false;
        return here;
    }

    /// Jobs queue that could begin if there were threads, or that no thread will ever take (stuck).
    [[nodiscard]] bool watch_needed() const noexcept {
        return queue_.size() > starting_ && idle_ == nullptr && running_ + starting_ < limit_ &&
               (threads_ < cap_ || running_ == 0);
    }
    /// No thread can be added, and all wait inside bide.
    [[nodiscard]] bool stuck() const noexcept {
        return !queue_.empty() && (threads_ >= cap_ || refused_) && running_ == 0 && starting_ == 0 && idle_ == nullptr;
    }
    /// The watch leaves; also when it could not be made.
    void end_watch() noexcept {
        const lock l(mutex_);
        watching_ = false;
        left_.notify_all();
    }

    void see_blocked(worker& w, bool is) noexcept {
        if (w.blocked == is) return;
        w.blocked = is;
        if (is)
            ++blocked_;
        else
            --blocked_;
    }

    /// Jobs were taken out of the queue without being begun.
    void queue_shrank() noexcept {
        if (closed_ && queue_.empty()) call_all_idle();
    }

    void join_those_who_left() noexcept {
        worker* w = nullptr;
        {
            const lock l(mutex_);
            w = std::exchange(gone_, nullptr);
        }
        if (w != nullptr) join(*w);
    }

    mutable mutex mutex_;
    job_queue queue_;
    worker* workers_ = nullptr;
    worker* idle_ = nullptr;  // the one that was busy last is called first, the others may leave
    worker* gone_ = nullptr;  // left last; the next one to leave, or close(), joins it
    unsigned limit_;
    unsigned cap_;
    unsigned processors_;
    duration idle_time_;
    unsigned threads_ = 0;   // that exist, those that are being made included
    unsigned starting_ = 0;  // of them: being made
    unsigned running_ = 0;   // jobs that have begun and do not sleep inside bide
    unsigned blocked_ = 0;   // of them: seen to be blocked
    std::uint64_t begun_ = 0;
    std::uint64_t awakened_ = 0;
    bool refused_ = false;  // the system refused the last thread
    bool closed_ = false;
    bool watching_ = false;
    condition left_;
    condition watch_call_;

private:
    static unsigned difference(unsigned a, unsigned b) noexcept { return a > b ? a - b : 0; }

    [[nodiscard]] queued_job* take() noexcept {
        if (running_ >= limit_) return nullptr;
        queued_job* const j = queue_.pop();
        if (j == nullptr) return nullptr;
        ++running_;
        queue_shrank();
        return j;
    }

    void call(worker& w) noexcept {  // the first idle one
        idle_ = w.next_idle;
        w.idle = false;
        w.call.notify_all();
    }
    void call_all_idle() noexcept {
        while (idle_ != nullptr) call(*idle_);
    }

    /// False: nobody called for a long time.
    bool wait_for_call(lock& l, worker& w) {
        w.idle = true;
        w.next_idle = idle_;
        idle_ = &w;
        while (w.idle) {
            if (w.call.wait_for(l, idle_time_) || !w.idle) continue;
            worker** at = &idle_;
            while (*at != &w) at = &(*at)->next_idle;
            *at = w.next_idle;
            w.idle = false;
            return false;
        }
        return true;
    }

    void enter(worker& w) noexcept {
        --starting_;
        refused_ = false;
        w.prev_worker = nullptr;
        w.next_worker = workers_;
        if (workers_ != nullptr) workers_->prev_worker = &w;
        workers_ = &w;
    }
    [[nodiscard]] worker* leave(worker& w) noexcept {
        (w.prev_worker != nullptr ? w.prev_worker->next_worker : workers_) = w.next_worker;
        if (w.next_worker != nullptr) w.next_worker->prev_worker = w.prev_worker;
        if (--threads_ == 0) left_.notify_all();
        return std::exchange(gone_, &w);
    }

    /// A thread could not be made. False: `mine` went with the queue, because there is no thread at all.
    bool hire_failed(const queued_job* mine) {
        job_queue stranded;
        {
            const lock l(mutex_);
            --starting_;
            refused_ = true;
            if (--threads_ != 0) return true;
            std::swap(stranded, queue_);
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
