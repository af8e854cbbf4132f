// SPDX-License-Identifier: BSL-1.0
//
// detail/pool/fork_deque.hpp: the owner pushes and pops its forks without a fence while another thread takes the oldest
// under the lock. Every entry is had by exactly one of the two, and what the owner wrote into it is seen by the other.
// The lines around the deque are those of fork_stack (child_returned, raid), without what is not about this.
#include <bide/detail/pool/fork_deque.hpp>

#include "model.hpp"

#include <mutex>

namespace {

template <class T>
class cell : public model::atomic<T> {
public:
    cell() : model::atomic<T>(T()) {}
    cell(T v) : model::atomic<T>(v) {}
};

// membarrier(2) makes every running thread pass a full barrier, which orders the owner's half as if there were one in
// it. So in the model there is one in it.
struct full_barriers {
    static void light() { rl::atomic_thread_fence(rl::mo_seq_cst, model::here()); }
    static void heavy() { rl::atomic_thread_fence(rl::mo_seq_cst, model::here()); }
};

struct entry {
    model::var<int> payload{0};
    int had = 0;  // under the scheduler: a plain count of the test itself
};

/// `Depth` forks lie in the stack at the same time; the owner comes back to each, `Rounds` times.
template <unsigned Depth, unsigned Rounds, unsigned Raids>
struct had_by_exactly_one : rl::test_suite<had_by_exactly_one<Depth, Rounds, Raids>, 2> {
    bide::detail::fork_deque<entry, cell, full_barriers, 8> deque;
    model::spin_lock lock;
    model::var<unsigned> base{0};  // under the lock
    entry entries[Depth * Rounds];

    void after() {
        for (const entry& e : entries) RL_ASSERT(e.had == 1);
    }
    void thread(unsigned index) {
        if (index == 0)
            for (unsigned round = 0; round < Rounds; ++round) fork(round, 0);
        else
            for (unsigned i = 0; i < Raids; ++i) raid();
    }

    void fork(unsigned round, unsigned depth) {
        if (depth == Depth) return;
        entry& mine = entries[round * Depth + depth];
        const std::uint32_t at = deque.top();
        mine.payload = 1;
        static_cast<void>(deque.push(mine, at, 1));
        fork(round, depth + 1);
        if (deque.pop(at)) {
            RL_ASSERT(mine.payload == 1);
            ++mine.had;
            return;
        }
        const model::holding hold(lock);
        if (deque.floor() > at) {  // it was taken
            base = at;
            deque.set_floor(at);
        } else {
            ++mine.had;
        }
    }

    void raid() {
        const model::holding hold(lock);
        const std::uint32_t floor = deque.floor();
        const std::uint32_t top = deque.freeze();
        if (base < top) {
            entry& oldest = deque.at(base);
            RL_ASSERT(oldest.payload == 1);
            ++oldest.had;
            base = base + 1;
            deque.set_floor(base > floor ? static_cast<std::uint32_t>(base) : floor);
        } else {
            deque.set_floor(floor);
        }
    }
};

/// A worker that becomes hungry asks and then looks; one that forks pushes and then reads the limit. One of the two
/// sees the other, or a fork would stay hidden.
struct none_stays_hidden : rl::test_suite<none_stays_hidden, 2> {
    bide::detail::fork_deque<entry, cell, full_barriers, 8> deque;
    model::spin_lock lock;
    entry one;
    bool told = false;
    bool found = false;

    void before() { deque.set_limit(8); }
    void after() { RL_ASSERT(told || found); }
    void thread(unsigned index) {
        if (index == 0) {
            one.payload = 1;
            told = deque.push(one, 0, 1);
        } else {
            const model::holding hold(lock);
            deque.set_limit(0);
            const std::uint32_t floor = deque.floor();
            found = deque.freeze() > 0;
            deque.set_floor(floor);
        }
    }
};

}  // namespace

int main() {
    model::explore<had_by_exactly_one<1, 1, 1>>("forks, one and a raid");
    model::explore<had_by_exactly_one<2, 1, 2>>("forks, two deep and two raids", 4);
    model::explore<had_by_exactly_one<1, 3, 2>>("forks, three after one another and two raids", 4);
    model::explore<had_by_exactly_one<3, 2, 2>>("forks, three deep, twice, and two raids", 3);
    model::explore<none_stays_hidden>("forks, none stays hidden from one that is hungry");
    return model::failures == 0 ? 0 : 1;
}
