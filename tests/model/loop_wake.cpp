// SPDX-License-Identifier: BSL-1.0
//
// loop::sleep and loop::post: a pusher that has to wake the owner is done with the loop before the owner destroys it.
// The owner waits for the pusher there, and nowhere before. The inbox is the library's; the model repeats the few lines
// around it (src/loop/loop.cpp).
#include <bide/detail/base/inbox.hpp>

#include "model.hpp"

#include <array>

namespace {

struct node {
    node* next = nullptr;
};

/// `Early`: the owner's first sleep ends by itself (a timer).
template <unsigned Pushers, bool Early>
struct the_loop_outlives_whoever_wakes_it
    : rl::test_suite<the_loop_outlives_whoever_wakes_it<Pushers, Early>, 1 + Pushers> {
    bide::detail::inbox<node, model::atomic> inbox;
    std::array<node, Pushers> nodes;
    model::atomic<unsigned> wakers_done{0};
    rl::semaphore<node> driver;
    model::var<int> loop{1};  // 0: destroyed
    unsigned taken = 0;

    void before() { driver.init(false, 0, 10, model::here()); }
    void after() {
        RL_ASSERT(taken == Pushers);
        driver.deinit(model::here());
    }
    void thread(unsigned index) {
        if (index < Pushers)
            push(nodes[index]);
        else
            own();
    }

    void push(node& n) {
        if (!inbox.push(n)) return;
        RL_ASSERT(loop == 1);
        unsigned count = 0;
        driver.post(1, count, model::here());
        RL_ASSERT(loop == 1);
        wakers_done.fetch_add(1, std::memory_order_release);  // the last touch
    }

    void own() {
        bool early = Early;
        unsigned wakers_told = 0;
        for (;;) {
            for (node* n = inbox.take(); n != nullptr; ++taken) n = n->next;
            if (taken == Pushers) break;
            if (!inbox.go_to_sleep()) continue;
            const bool by_itself = std::exchange(early, false);
            if (!by_itself) driver.wait(false, false, model::here());
            if (inbox.wake_up()) continue;
            ++wakers_told;  // a wake that comes later ends the next sleep early
        }
        while (wakers_done.load(std::memory_order_acquire) != wakers_told) rl::yield(1, model::here());
        loop = 0;
    }
};

}  // namespace

int main() {
    model::explore<the_loop_outlives_whoever_wakes_it<1, false>>("loop, woken and destroyed");
    model::explore<the_loop_outlives_whoever_wakes_it<2, false>>("loop, woken by one of two and destroyed", 4);
    model::explore<the_loop_outlives_whoever_wakes_it<1, true>>("loop, awake by itself while it is woken");
    model::explore<the_loop_outlives_whoever_wakes_it<2, true>>("loop, awake by itself while one of two wakes it", 4);
    return model::failures == 0 ? 0 : 1;
}
