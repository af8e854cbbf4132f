// SPDX-License-Identifier: BSL-1.0
//
// detail/sync/mutex_core.hpp: the hand-over, while a waiter is stopped at any moment: before it queues, while it waits,
// just after it was handed the mutex. Never are two tasks in the section at once; afterwards the mutex is free, each
// task that was not stopped has had it once, and each task that was stopped has had it once or not at all.
#include <bide/detail/sync/mutex_core.hpp>

#include "model.hpp"

namespace bide::detail {
// For the checker's record of what happened.
static std::ostream& operator<<(std::ostream& to, lock_state h) { return to << int(h); }
}  // namespace bide::detail

namespace {

struct mutex {
    model::spin_lock lock;
    bide::detail::mutex_core<model::leaf, model::atomic, model::var> core;
    model::var<int> sections{0};  // protected by the mutex alone: two at once are a data race

    void unlock() {
        RL_ASSERT(core.locked());
        if (core.try_unlock_uncontended()) return;
        model::claimed woken;
        const model::holding hold(lock);
        RL_ASSERT(core.locked());
        if (model::leaf* next = core.give()) woken.add(*next);
    }
};

// Locks, has its section, unlocks.
class task : public model::chain {
public:
    explicit task(mutex& m) : mutex_(m) {}
    ~task() override = default;

    void begin() {
        if (must_stop()) {
            unwound();
            return;
        }
        if (mutex_.core.take()) {
            section();
            return;
        }
        leaf_.emplace(*this);
        const auto ready = [this] { return mutex_.core.try_lock_or_mark(); };
        if (!model::park_in(mutex_.lock, mutex_.core.waiters, *leaf_, ready)) resumed();
    }
    void resumed() override {
        leaf_.reset();
        section();
    }
    void unwound() override {
        if (leaf_) model::abandon(mutex_.lock, mutex_.core.waiters, *leaf_);
        leaf_.reset();
        ++stopped;
    }
    int had = 0;
    int stopped = 0;

private:
    void section() {
        ++had;
        mutex_.sections = mutex_.sections + 1;
        mutex_.unlock();
    }
    mutex& mutex_;
    std::optional<model::leaf> leaf_;
};

void expect_free(mutex& m, int sections) {
    RL_ASSERT(!m.core.locked());
    RL_ASSERT(m.core.waiters.empty());
    RL_ASSERT(m.sections == sections);
}

struct one_waiter : rl::test_suite<one_waiter, 3> {
    mutex m;
    task holder{m};
    task waiter{m};

    void thread(unsigned index) {
        if (index == 0)
            holder.begin();
        else if (index == 1)
            waiter.begin();
        else
            waiter.stop();
    }
    void after() {
        RL_ASSERT(holder.had == 1 && holder.stopped == 0);
        RL_ASSERT(waiter.had + waiter.stopped == 1);
        expect_free(m, 1 + waiter.had);
    }
};

struct two_waiters : rl::test_suite<two_waiters, 4> {
    mutex m;
    task holder{m};
    task a{m};
    task b{m};

    void thread(unsigned index) {
        if (index == 0)
            holder.begin();
        else if (index == 1)
            a.begin();
        else if (index == 2)
            b.begin();
        else
            a.stop();
    }
    void after() {
        RL_ASSERT(holder.had == 1);
        RL_ASSERT(a.had + a.stopped == 1);
        RL_ASSERT(b.had == 1 && b.stopped == 0);
        expect_free(m, 2 + a.had);
    }
};

struct three_lockers : rl::test_suite<three_lockers, 3> {
    mutex m;
    task a{m};
    task b{m};
    task c{m};

    void thread(unsigned index) { (index == 0 ? a : index == 1 ? b : c).begin(); }
    void after() {
        RL_ASSERT(a.had == 1 && b.had == 1 && c.had == 1);
        expect_free(m, 3);
    }
};

}  // namespace

int main() {
    model::explore<one_waiter>("mutex, hand-over to a waiter that is stopped", 5);
    model::explore<three_lockers>("mutex, three lock", 4);
    model::explore<two_waiters>("mutex, two waiters, one stopped", 3);
    return model::failures == 0 ? 0 : 1;
}
