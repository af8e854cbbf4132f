// SPDX-License-Identifier: BSL-1.0
//
// detail/threads/thread_set.hpp: shutdown against submit, against a worker that is idle, runs out of patience or
// leaves, against a job that sleeps, a stop request, and a system that refuses threads. No job is lost or run twice,
// everybody leaves, and shutdown returns when the last one has. A worker that is not called when it should be is a
// deadlock here.
#include <bide/detail/threads/thread_set.hpp>

#include "model.hpp"

#include <array>

namespace {

struct sync {
    class mutex {
    public:
        void lock() { m.lock(model::here()); }
        void unlock() { m.unlock(model::here()); }
        rl::mutex m;
    };
    class holder {
    public:
        explicit holder(mutex& m) : m_(m) { lock(); }
        holder(const holder&) = delete;
        holder& operator=(const holder&) = delete;
        ~holder() {
            if (held_) unlock();
        }
        void lock() {
            m_.lock();
            held_ = true;
        }
        void unlock() {
            held_ = false;
            m_.unlock();
        }
        rl::mutex& inner() { return m_.m; }

    private:
        mutex& m_;
        bool held_ = false;
    };
    using lock = holder;
    using duration = int;
    class condition {
    public:
        void wait(holder& l) { c_.wait(l.inner(), model::here()); }
        /// Time is up, or it never is. (Relacy's own timed wait loses count of its threads in a bounded search.)
        bool wait_for(holder& l, duration) {
            if (rl::rand(2) == 0) {
                wait(l);
                return true;
            }
            l.unlock();
            l.lock();
            return false;
        }
        void notify_all() { c_.notify_all(model::here()); }

    private:
        rl::condition_variable c_;
    };
};

struct job final : bide::detail::queued_job {
    bool stopped = false;
    model::var<int> ran{0};  // also: every use of it is ordered
    [[nodiscard]] bool unwanted() const noexcept override { return stopped; }
};

/// A set whose threads are the model's: as many as there are slots, each for one life of a thread.
template <unsigned Slots>
class set : public bide::detail::thread_set<sync> {
public:
    set(unsigned limit, unsigned processors) : thread_set(limit, Slots, processors, 1) {}

    /// The life of a slot: a thread's, if one is made here.
    void live(unsigned slot) {
        {
            sync::holder l(slots_);
            while (slot >= made_ && !over_) changed_.wait(l);
            if (slot >= made_) return;
        }
        work(workers_of_slots_[slot]);
    }
    /// No more threads are made; by the last of the threads that use the set.
    void end(unsigned users) {
        const sync::holder l(slots_);
        if (++ended_ != users) return;
        over_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool everybody_left() const {
        return threads_ == 0 && running_ == 0 && queue_.empty() && starting_ == 0;
    }

    // What the second job of `sleeps` waits for.
    sync::mutex event_mutex;
    sync::condition event;
    bool happened = false;
    unsigned finished = 0;
    job* sleeps = nullptr;
    job* wakes = nullptr;

private:
    bool start_worker() noexcept override {
        const sync::holder l(slots_);
        if (made_ == Slots) return false;  // as when the system has no more
        ++made_;
        changed_.notify_all();
        return true;
    }
    bool start_watch() noexcept override { return false; }
    void run(worker& w, bide::detail::queued_job& q) noexcept override {
        auto& j = static_cast<job&>(q);
        if (&j == sleeps) {
            begin_sleep(w);
            {
                sync::holder l(event_mutex);
                while (!happened) event.wait(l);
            }
            end_sleep(w);
        } else if (&j == wakes) {
            const sync::holder l(event_mutex);
            happened = true;
            event.notify_all();
        }
        j.ran = j.ran + 1;
        const sync::holder l(event_mutex);
        ++finished;
        event.notify_all();
    }
    void join(worker&) noexcept override {}
    void strand(bide::detail::queued_job& j) noexcept override { static_cast<job&>(j).stopped = true; }

    sync::mutex slots_;
    sync::condition changed_;
    std::array<worker, Slots> workers_of_slots_;
    unsigned made_ = 0;
    unsigned ended_ = 0;
    bool over_ = false;
};

using bide::detail::submitted;

/// One thread submits, another shuts down.
template <unsigned Slots, unsigned Jobs>
struct submit_and_close : rl::test_suite<submit_and_close<Slots, Jobs>, 2 + Slots> {
    set<Slots> s{2, 2};
    std::array<job, Jobs> jobs;
    std::array<submitted, Jobs> answers{};
    job late;

    void thread(unsigned index) {
        if (index == 0) {
            for (unsigned i = 0; i < Jobs; ++i) answers[i] = s.submit(jobs[i], false);
            s.end(2);
        } else if (index == 1) {
            s.close();
            RL_ASSERT(s.submit(late, false) == submitted::closed);
            s.end(2);
        } else {
            s.live(index - 2);
        }
    }
    void after() {
        RL_ASSERT(s.everybody_left());
        RL_ASSERT(late.ran == 0);
        for (unsigned i = 0; i < Jobs; ++i) {
            const bool taken = answers[i] == submitted::queued && !jobs[i].stopped;
            RL_ASSERT(jobs[i].ran == (taken ? 1 : 0));
            RL_ASSERT(!jobs[i].queued);
        }
    }
};

/// A job is submitted and at once claimed by a stop request, while another thread shuts down.
struct claim_and_close : rl::test_suite<claim_and_close, 3> {
    set<1> s{1, 1};
    std::array<job, 2> jobs;
    std::array<submitted, 2> answers{};
    bool claimed = false;

    void thread(unsigned index) {
        if (index == 0) {
            answers[0] = s.submit(jobs[0], false);
            answers[1] = s.submit(jobs[1], false);
            claimed = s.claim(jobs[1]);
            s.end(2);
        } else if (index == 1) {
            s.close();
            s.end(2);
        } else {
            s.live(0);
        }
    }
    void after() {
        RL_ASSERT(s.everybody_left());
        RL_ASSERT(jobs[0].ran == (answers[0] == submitted::queued ? 1 : 0));
        const bool taken = answers[1] == submitted::queued && !claimed && !jobs[1].stopped;
        RL_ASSERT(jobs[1].ran == (taken ? 1 : 0));
    }
};

/// At most one runs; the first sleeps inside bide until the second, which could not begin otherwise, has run.
struct sleep_and_close : rl::test_suite<sleep_and_close, 3> {
    set<2> s{1, 1};
    std::array<job, 2> jobs;

    void thread(unsigned index) {
        if (index == 0) {
            s.sleeps = &jobs[0];
            s.wakes = &jobs[1];
            const bool first = s.submit(jobs[0], false) == submitted::queued;
            const bool second = s.submit(jobs[1], true) == submitted::queued;
            RL_ASSERT(first && second);
            s.close();
            s.end(1);
        } else {
            s.live(index - 1);
        }
    }
    void after() {
        RL_ASSERT(s.everybody_left());
        RL_ASSERT(jobs[0].ran == 1);
        RL_ASSERT(jobs[1].ran == 1);
    }
};

/// The same with a third job, which a stop request takes away perhaps, while another thread shuts down: an idle worker
/// that may not begin it must leave when it is gone.
struct bounded_and_close : rl::test_suite<bounded_and_close, 4> {
    set<2> s{1, 1};
    std::array<job, 3> jobs;
    submitted third{};
    bool claimed = false;

    void thread(unsigned index) {
        if (index == 0) {
            s.sleeps = &jobs[0];
            s.wakes = &jobs[1];
            // As from a job of the set, so that nothing is refused.
            const bool first = s.submit(jobs[0], true) == submitted::queued;
            const bool second = s.submit(jobs[1], true) == submitted::queued;
            RL_ASSERT(first && second);
            third = s.submit(jobs[2], true);  // no_thread where both have left
            claimed = s.claim(jobs[2]);
            {
                sync::holder l(s.event_mutex);  // until then another thread may have to be made
                while (s.finished < 2) s.event.wait(l);
            }
            s.end(2);
        } else if (index == 1) {
            s.close();
            s.end(2);
        } else {
            s.live(index - 2);
        }
    }
    void after() {
        RL_ASSERT(s.everybody_left());
        RL_ASSERT(jobs[0].ran == 1);
        RL_ASSERT(jobs[1].ran == 1);
        RL_ASSERT(jobs[2].ran == (claimed || third != submitted::queued ? 0 : 1));
    }
};

}  // namespace

int main() {
    model::explore<submit_and_close<1, 1>>("threads, one job against shutdown", 6);
    model::explore<submit_and_close<1, 2>>("threads, two jobs, one thread, against shutdown", 4);
    model::explore<submit_and_close<2, 2>>("threads, two jobs, two threads, against shutdown", 3);
    model::explore<claim_and_close>("threads, a stop request against begin and shutdown", 4);
    model::explore<sleep_and_close>("threads, a job that sleeps leaves its place, against shutdown", 4);
    model::explore<bounded_and_close>("threads, an idle thread that may not begin what queues, against shutdown", 2);
    return model::failures == 0 ? 0 : 1;
}
