// SPDX-License-Identifier: BSL-1.0
//
// detail/pool/work_queue.hpp and pool/idle_workers.hpp: workers sleep when there is nothing to do. No work is left
// behind, no wake is lost, also when workers wake one another, and at the end everybody can be woken to leave. The
// lines around the two are those of pool_core (post, search, found, shutdown).
#include <bide/detail/pool/work_queue.hpp>

#include "model.hpp"
#include "pool/idle_workers.hpp"

namespace {

// What work_queue and idle_workers need of a lock.
struct checked_lock {
    model::spin_lock of;
    void lock() { of.lock(); }
    void unlock() { of.unlock(); }
};

struct node {
    node* next = nullptr;  // under the queue's lock
    model::var<int> payload{0};
};
struct worker {
    worker* next_asleep = nullptr;  // under the list's lock
    bool asleep = false;
    rl::semaphore<worker> park;
};

/// `Own`: the first worker posts this many more, to its own queue, when it runs its first one.
template <unsigned Posters, unsigned Workers, unsigned Own>
struct nothing_is_left_behind : rl::test_suite<nothing_is_left_behind<Posters, Workers, Own>, Posters + Workers> {
    using queue = bide::detail::work_queue<node, model::atomic, checked_lock>;
    static constexpr unsigned total = Posters + Own;

    queue outside;
    queue own[Workers];
    bide::detail::idle_workers<worker, model::atomic, checked_lock> idle_workers;
    worker workers[Workers];
    node nodes[total];
    model::atomic<unsigned> done{0};
    model::atomic<bool> ending{false};
    bool has_posted = false;  // under the scheduler

    void before() {
        for (worker& w : workers) w.park.init(false, 0, 10, model::here());
    }
    void after() {
        RL_ASSERT(done.load(std::memory_order_relaxed) == total);
        for (worker& w : workers) w.park.deinit(model::here());
    }
    void thread(unsigned index) {
        if (index < Posters) {
            nodes[index].payload = 1;
            post(outside, nodes[index]);
        } else {
            run(index - Posters);
        }
    }

    void wake(worker& w) {
        unsigned count = 0;
        w.park.post(1, count, model::here());
    }
    void sleep(worker& w) { w.park.wait(false, false, model::here()); }
    void wake_one() {
        if (worker* const w = idle_workers.take_one()) wake(*w);
    }
    void post(queue& to, node& n) {
        worker* const up = to.push(n, [this] { return idle_workers.needs_wake() ? idle_workers.take_one() : nullptr; });
        if (up != nullptr) wake(*up);
    }
    bool some_work() {
        if (!outside.empty()) return true;
        for (queue& q : own)
            if (!q.empty()) return true;
        return false;
    }
    node* steal() {
        if (node* const n = outside.pop()) return n;
        for (queue& q : own)
            if (node* const n = q.pop()) return n;
        return nullptr;
    }
    // As pool_core::last_look: without the hint.
    node* last_look() {
        if (!outside.empty())
            if (node* const n = outside.pop()) return n;
        for (queue& q : own)
            if (!q.empty())
                if (node* const n = q.pop()) return n;
        return nullptr;
    }
    void found() {
        if (idle_workers.end_search() && some_work()) wake_one();
    }
    node* search(unsigned me) {
        worker& w = workers[me];
        idle_workers.begin_search();
        for (;;) {
            if (node* const n = steal()) {
                found();
                return n;
            }
            if (ending.load(std::memory_order_acquire)) {
                found();
                return nullptr;
            }
            idle_workers.enter(w);
            if (node* const n = last_look()) {
                if (idle_workers.leave(w)) {
                    found();
                    return n;
                }
                post(own[me], *n);
            }
            // The end comes when all work is done, and takes out every worker that sleeps; a worker that enters later
            // has to see it.
            if (ending.load(std::memory_order_acquire) && idle_workers.leave(w)) continue;
            sleep(w);
        }
    }
    void run(unsigned me) {
        while (node* n = search(me)) {
            RL_ASSERT(n->payload == 1);
            if (Own != 0 && !std::exchange(has_posted, true))
                for (unsigned i = 0; i < Own; ++i) {
                    nodes[Posters + i].payload = 1;
                    post(own[me], nodes[Posters + i]);
                }
            if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == total) {
                ending.store(true, std::memory_order_release);
                while (worker* const w = idle_workers.take_any()) wake(*w);
            }
        }
    }
};

}  // namespace

int main() {
    model::explore<nothing_is_left_behind<1, 1, 0>>("pool, one posts to one worker", 4);
    model::explore<nothing_is_left_behind<2, 1, 0>>("pool, two post to one worker", 3);
    model::explore<nothing_is_left_behind<1, 2, 0>>("pool, one posts to two workers", 2);
    model::explore<nothing_is_left_behind<1, 2, 1>>("pool, a worker posts to itself beside another", 2);
    model::explore<nothing_is_left_behind<2, 2, 0>>("pool, two post to two workers", 1);
    return model::failures == 0 ? 0 : 1;
}
