// SPDX-License-Identifier: BSL-1.0
//
// The parking word of a chain of frames (detail/kernel/parking_word.hpp, used by stop_state), with a list under a lock:
// a task awaits a result, a completer delivers it, a third thread asks the task to stop. Exactly one of the two, the
// first to claim it, posts the task, exactly once; the resumed task sees the result; and a completer never touches a
// waiter that is gone.
#include "model.hpp"

namespace {

struct future {
    model::spin_lock lock;
    model::waiting_list waiters;
    model::var<bool> ready{false};  // and the result
    model::var<int> result{0};
};

// Awaits the future, as leaf_awaiter does it.
class task : public model::chain {
public:
    explicit task(future& f) : future_(f) {}
    ~task() override = default;

    void begin() {
        if (must_stop()) {
            unwound();
            return;
        }
        {
            const model::holding hold(future_.lock);
            if (future_.ready) {
                finish(future_.result);
                return;
            }
        }
        leaf_.emplace(*this);
        if (!model::park_in(future_.lock, future_.waiters, *leaf_, [this] { return bool(future_.ready); })) resumed();
    }
    void resumed() override {
        leaf_.reset();  // the awaiter goes: nobody may look at it any more
        finish(future_.result);
    }
    void unwound() override {
        if (leaf_) model::abandon(future_.lock, future_.waiters, *leaf_);
        leaf_.reset();
        finish(-1);
    }
    int ended = 0;
    int got = 0;

private:
    void finish(int value) {
        ++ended;
        got = value;
    }
    future& future_;
    std::optional<model::leaf> leaf_;
};

void complete(future& f) {
    model::claimed woken;
    const model::holding hold(f.lock);
    if (!f.ready) f.result = 7;  // written once: a resumed task reads it without the lock
    f.ready = true;
    while (model::leaf* l = f.waiters.pop_claimed()) woken.add(*l);
}

struct complete_await_stop : rl::test_suite<complete_await_stop, 3> {
    future f;
    task t{f};

    void thread(unsigned index) {
        if (index == 0)
            t.begin();
        else if (index == 1)
            complete(f);
        else
            t.stop();
    }
    void after() {
        RL_ASSERT(t.ended == 1);
        RL_ASSERT(t.got == 7 || t.got == -1);
        RL_ASSERT(f.waiters.empty());
        RL_ASSERT(t.word.requested());
    }
};

struct complete_await : rl::test_suite<complete_await, 2> {
    future f;
    task t{f};

    void thread(unsigned index) {
        if (index == 0)
            t.begin();
        else
            complete(f);
    }
    void after() {
        RL_ASSERT(t.ended == 1);
        RL_ASSERT(t.got == 7);
    }
};

// Two requests, two completers (a wait of which the deadlock search is the other completer).
struct two_completers : rl::test_suite<two_completers, 4> {
    future f;
    task t{f};

    void thread(unsigned index) {
        if (index == 0)
            t.begin();
        else if (index < 3)
            complete(f);
        else
            t.stop();
    }
    void after() {
        RL_ASSERT(t.ended == 1);
        RL_ASSERT(f.waiters.empty());
    }
};

// Two tasks await one result, one of them is stopped: the other gets it.
struct two_waiters : rl::test_suite<two_waiters, 4> {
    future f;
    task a{f};
    task b{f};

    void thread(unsigned index) {
        if (index == 0)
            a.begin();
        else if (index == 1)
            b.begin();
        else if (index == 2)
            complete(f);
        else
            a.stop();
    }
    void after() {
        RL_ASSERT(a.ended == 1);
        RL_ASSERT(b.ended == 1);
        RL_ASSERT(b.got == 7);
        RL_ASSERT(f.waiters.empty());
    }
};

}  // namespace

int main() {
    model::explore<complete_await>("future, complete and await");
    model::explore<complete_await_stop>("future, complete, await and stop");
    model::explore<two_completers>("future, two completers, await and stop", 3);
    model::explore<two_waiters>("future, two waiters, one stopped", 3);
    return model::failures == 0 ? 0 : 1;
}
