// SPDX-License-Identifier: BSL-1.0
//
// base/remote_list.hpp: blocks that were freed on other threads come home once, with what was written in them before;
// none is lost when the owner ends meanwhile; and the bound on how many wait is kept and given back.
#include "base/remote_list.hpp"

#include "model.hpp"

namespace {

struct block {
    block* next = nullptr;
    model::var<int> written{0};
};

// `Ends`: the owner closes the list instead of taking until everything is there. `Most`: the bound.
template <unsigned Pushers, unsigned Each, bool Ends, unsigned Most>
struct every_block_once : rl::test_suite<every_block_once<Pushers, Each, Ends, Most>, Pushers + 1> {
    bide::detail::remote_list<block, model::atomic> list;
    block blocks[Pushers * Each];
    unsigned refused = 0;  // under the scheduler: plain counts of the test itself
    unsigned home = 0;

    void before() { list.open(); }
    void after() {
        if (!Ends) take(list.take());
        RL_ASSERT(home + refused == Pushers * Each);
        if (!Ends && Most >= Pushers * Each) RL_ASSERT(refused == 0);
        // The count is back at zero: as many as the bound may come again.
        list.open();
        for (unsigned i = 0; i < Pushers * Each; ++i) RL_ASSERT(list.push(blocks[i], Most) == (i < Most));
    }
    void take(block* b) {
        unsigned n = 0;
        for (; b != nullptr; b = b->next, ++n) {
            RL_ASSERT(b->written == 1);
            b->written = 2;  // the owner uses it again: a data race if its last user were not done
        }
        list.took(n);
        home += n;
    }
    void thread(unsigned index) {
        if (index < Pushers) {
            for (unsigned i = 0; i < Each; ++i) {
                block& b = blocks[index * Each + i];
                b.written = 1;
                if (!list.push(b, Most)) ++refused;
            }
            return;
        }
        take(list.take());
        take(Ends ? list.close() : list.take());
    }
};

}  // namespace

int main() {
    model::explore<every_block_once<1, 2, false, 8>>("frames going home, one thread of two");
    model::explore<every_block_once<2, 1, false, 8>>("frames going home, two threads", 4);
    model::explore<every_block_once<2, 1, true, 8>>("frames going home, their thread ends", 4);
    model::explore<every_block_once<2, 1, false, 1>>("frames going home, one place", 4);
    return model::failures == 0 ? 0 : 1;
}
