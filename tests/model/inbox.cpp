// SPDX-License-Identifier: BSL-1.0
//
// detail/base/inbox.hpp: any thread pushes, the owner takes all and sleeps when there is nothing. Nothing is lost, what
// a node carries is visible to the owner, and of all pushers exactly one is told to wake a sleeper.
#include <bide/detail/base/inbox.hpp>

#include "model.hpp"

namespace {

struct node {
    node* next = nullptr;  // written by a pusher before the node is visible, by the owner after it took it
    model::var<int> payload{0};
};

// `Early`: the owner is woken by something else once (a timer), while the inbox says that it sleeps.
template <int Pushers, int Each, bool Early>
struct nothing_is_lost : rl::test_suite<nothing_is_lost<Pushers, Each, Early>, Pushers + 1> {
    bide::detail::inbox<node, model::atomic> inbox;
    node nodes[Pushers * Each];
    rl::semaphore<node> wake_up;  // the driver's
    int told = 0;                 // under the scheduler: plain counts of the test itself
    int slept = 0;
    int taken = 0;

    void before() { wake_up.init(false, 0, 1000, model::here()); }
    void after() {
        RL_ASSERT(taken == Pushers * Each);
        RL_ASSERT(told == slept);
        wake_up.deinit(model::here());
    }
    void thread(unsigned index) {
        if (index < Pushers) {
            for (int i = 0; i < Each; ++i) {
                node& n = nodes[index * Each + static_cast<unsigned>(i)];
                n.payload = 1;
                if (inbox.push(n)) {
                    ++told;
                    unsigned before_it = 0;
                    wake_up.post(1, before_it, model::here());
                }
            }
            return;
        }
        bool early = Early;
        while (taken < Pushers * Each) {
            for (node* n = inbox.take(); n != nullptr;) {
                node* const after_it = n->next;
                RL_ASSERT(n->payload == 1);
                ++taken;
                n = after_it;
            }
            if (taken == Pushers * Each || !inbox.go_to_sleep()) continue;
            if (std::exchange(early, false)) {  // up again by itself: take() says that it is awake
                const int told_before = told;
                node* first = inbox.take();
                if (first != nullptr) {  // a pusher was told, and has woken or will wake it: that token is used up here
                    ++slept;
                    wake_up.wait(false, false, model::here());
                } else {
                    RL_ASSERT(told == told_before);
                }
                for (; first != nullptr; ++taken) {
                    RL_ASSERT(first->payload == 1);
                    first = first->next;
                }
                continue;
            }
            ++slept;
            wake_up.wait(false, false, model::here());  // a lost wake-up is a deadlock here
        }
    }
};

}  // namespace

int main() {
    model::explore<nothing_is_lost<1, 2, false>>("inbox, one pusher of two");
    model::explore<nothing_is_lost<2, 1, false>>("inbox, two pushers", 3);
    model::explore<nothing_is_lost<1, 2, true>>("inbox, the owner wakes early", 4);
    return model::failures == 0 ? 0 : 1;
}
