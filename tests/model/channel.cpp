// SPDX-License-Identifier: BSL-1.0
//
// detail/sync/channel_core.hpp: senders, receivers, close, and a stop request to one of them. A value is received once,
// or is still with its sender: never both, never neither. Afterwards nobody waits who was not meant to.
#include <bide/detail/sync/channel_core.hpp>

#include <functional>
#include <memory>

#include "model.hpp"

namespace {

// A value whose moves the checker watches. 0: moved from.
class item {
public:
    explicit item(int v) noexcept : value_(v) {}
    item(item&& other) noexcept : value_(int(other.value_)) {
        other.value_ = 0;
        touch();
    }
    item& operator=(item&&) = delete;
    ~item() { touch(); }
    [[nodiscard]] int value() const noexcept { return value_; }

    // The queue's places. A new value in one is a new variable to the checker: what happened there before it knows from
    // these.
    static constexpr std::size_t most = 2;
    struct places {
        places() { now = this; }
        model::var<int> touched[most];
        const item* begin = nullptr;
        static inline places* now = nullptr;
    };

private:
    void touch() const noexcept {
        const std::less_equal<> before;
        const item* const begin = places::now->begin;
        if (begin == nullptr || !before(begin, this) || !before(this, begin + most - 1)) return;
        model::var<int>& at = places::now->touched[this - begin];
        at = at + 1;
    }
    model::var<int> value_;
};

}  // namespace

// Tells where the queue is.
template <>
struct std::allocator<item> {
    using value_type = item;
    item* allocate(std::size_t n) {
        RL_ASSERT(n <= item::most);
        auto* const begin = static_cast<item*>(::operator new(item::most * sizeof(item)));
        item::places::now->begin = begin;
        return begin;
    }
    void deallocate(item* begin, std::size_t) { ::operator delete(begin); }
};

namespace {

using core = bide::detail::channel_core<item, model::leaf, model::spin_lock, model::atomic, model::var>;
using bide::detail::passage;
using bide::detail::patience;

struct channel {
    explicit channel(std::size_t capacity) : queue(capacity) {}
    item::places places;
    core queue;

    passage send(item& value) {
        if (const auto how = queue.try_send(value)) return *how;
        model::leaf* to = nullptr;
        passage how = passage::done;
        {
            const model::holding hold(queue);
            how = queue.send_locked(value, to);
        }
        if (to != nullptr) to->resume();
        return how;
    }
    passage receive(std::optional<item>& into) {
        if (const auto how = queue.try_receive(into)) return *how;
        model::leaf* from = nullptr;
        passage how = passage::done;
        {
            const model::holding hold(queue);
            how = queue.receive_locked(into, from);
        }
        if (from != nullptr) from->resume();
        return how;
    }
    void close() {
        model::claimed woken;
        const model::holding hold(queue);
        queue.close(woken);
    }
};

// Where a chain is in the end: nowhere yet, over, or unwound.
class sender : public model::chain {
public:
    sender(channel& c, int v) : mine(v), channel_(c) {}
    ~sender() override = default;

    void begin() {
        if (must_stop()) {
            unwound();
            return;
        }
        passage p = channel_.send(mine);
        if (p != passage::has_to_wait) {
            finish(p == passage::done);
            return;
        }
        leaf_.emplace(*this);
        leaf_->value = &mine;
        model::leaf* to = nullptr;
        const bool parked = model::park_in(channel_.queue, channel_.queue.senders, *leaf_, [&] {
            p = channel_.queue.send_locked(mine, to, patience::will_wait);
            return p != passage::has_to_wait;
        });
        if (to != nullptr) to->resume();
        if (!parked) finish(p == passage::done);
    }
    void resumed() override { finish(leaf_->sent); }
    void unwound() override {
        if (leaf_) model::abandon(channel_.queue, channel_.queue.senders, *leaf_);
        finish(false);
    }
    item mine;
    int ended = 0;
    bool sent = false;

private:
    void finish(bool done) {
        leaf_.reset();
        ++ended;
        sent = done;
        RL_ASSERT((mine.value() == 0) == sent);
    }
    channel& channel_;
    std::optional<core::sender> leaf_;
};

class receiver : public model::chain {
public:
    explicit receiver(channel& c) : channel_(c) {}
    ~receiver() override = default;

    void begin() {
        if (must_stop()) {
            unwound();
            return;
        }
        std::optional<item> into;
        const passage p = channel_.receive(into);
        if (p != passage::has_to_wait) {
            finish(into);
            return;
        }
        leaf_.emplace(*this);
        model::leaf* from = nullptr;
        const bool parked = model::park_in(channel_.queue, channel_.queue.receivers, *leaf_, [&] {
            return channel_.queue.receive_locked(leaf_->got, from, patience::will_wait) != passage::has_to_wait;
        });
        if (from != nullptr) from->resume();
        if (!parked) finish(leaf_->got);
    }
    void resumed() override { finish(leaf_->got); }
    void unwound() override {
        if (leaf_) model::abandon(channel_.queue, channel_.queue.receivers, *leaf_);
        const std::optional<item> nothing;
        finish(nothing);
    }
    int ended = 0;
    int got = 0;  // 0: nothing

private:
    void finish(const std::optional<item>& v) {
        got = v ? v->value() : 0;
        leaf_.reset();
        ++ended;
    }
    channel& channel_;
    std::optional<core::receiver> leaf_;
};

// The value of one sender and one receiver, when all is over.
void expect_in_one_place(channel& c, sender& s, receiver& r) {
    const int queued = static_cast<int>(c.queue.size());
    RL_ASSERT(s.ended == 1 && r.ended == 1);
    RL_ASSERT(s.sent == (r.got == 5 || queued == 1));
    RL_ASSERT((r.got == 5 ? 1 : 0) + queued + (s.mine.value() == 5 ? 1 : 0) == 1);
    RL_ASSERT(c.queue.senders.empty() && c.queue.receivers.empty());
}

template <int Capacity>
struct send_receive_close : rl::test_suite<send_receive_close<Capacity>, 3> {
    channel c{Capacity};
    sender s{c, 5};
    receiver r{c};

    void thread(unsigned index) {
        if (index == 0)
            s.begin();
        else if (index == 1)
            r.begin();
        else
            c.close();
    }
    void after() { expect_in_one_place(c, s, r); }
};

// The receiver is stopped; close at the end lets the sender of a rendezvous go.
template <int Capacity>
struct send_receive_stop : rl::test_suite<send_receive_stop<Capacity>, 3> {
    channel c{Capacity};
    sender s{c, 5};
    receiver r{c};

    void thread(unsigned index) {
        if (index == 0)
            s.begin();
        else if (index == 1)
            r.begin();
        else
            r.stop();
    }
    void after() {
        c.close();
        expect_in_one_place(c, s, r);
    }
};

// A sender waits behind a full queue and is stopped while a receiver makes room.
struct full_queue : rl::test_suite<full_queue, 3> {
    channel c{1};
    sender first{c, 9};
    sender s{c, 5};
    receiver r{c};

    void before() { first.begin(); }
    void thread(unsigned index) {
        if (index == 0)
            s.begin();
        else if (index == 1)
            r.begin();
        else
            s.stop();
    }
    void after() {
        RL_ASSERT(r.got == 9);  // first in, first out
        RL_ASSERT(s.ended == 1);
        RL_ASSERT(static_cast<int>(c.queue.size()) == (s.sent ? 1 : 0));
        RL_ASSERT(c.queue.senders.empty() && c.queue.receivers.empty());
    }
};

// Two values, one after another, and two receivers, one after another: the sides meet at a full and at an empty queue.
struct two_values : rl::test_suite<two_values, 2> {
    channel c{1};
    sender first{c, 5};
    sender second{c, 6};
    receiver a{c};
    receiver b{c};

    void thread(unsigned index) {
        if (index == 0) {
            first.begin();
            second.begin();
        } else {
            a.begin();
            b.begin();
        }
    }
    void after() {
        RL_ASSERT(first.sent && second.sent);
        RL_ASSERT(a.got == 5 && b.got == 6);
        RL_ASSERT(c.queue.size() == 0);
        RL_ASSERT(c.queue.senders.empty() && c.queue.receivers.empty());
    }
};

// Two receivers, one of them stopped: the value goes to the other, or to it before it was stopped.
struct two_receivers : rl::test_suite<two_receivers, 4> {
    channel c{1};
    sender s{c, 5};
    receiver a{c};
    receiver b{c};

    void thread(unsigned index) {
        if (index == 0)
            s.begin();
        else if (index == 1)
            a.begin();
        else if (index == 2)
            b.begin();
        else
            a.stop();
    }
    void after() {
        RL_ASSERT(s.sent);
        c.close();
        RL_ASSERT(a.ended == 1 && b.ended == 1);
        RL_ASSERT((a.got == 5 ? 1 : 0) + (b.got == 5 ? 1 : 0) == 1);
        RL_ASSERT(c.queue.size() == 0);
    }
};

}  // namespace

int main() {
    model::explore<send_receive_close<1>>("channel of 1, send, receive and close", 3);
    model::explore<send_receive_close<0>>("channel of 0, send, receive and close", 3);
    model::explore<send_receive_stop<1>>("channel of 1, the receiver is stopped", 3);
    model::explore<send_receive_stop<0>>("channel of 0, the receiver is stopped", 3);
    model::explore<full_queue>("channel, full, the sender is stopped", 3);
    model::explore<two_values>("channel of 1, two values, two receivers", 5);
    model::explore<two_receivers>("channel, two receivers, one stopped", 2);
    return model::failures == 0 ? 0 : 1;
}
