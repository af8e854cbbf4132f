// SPDX-License-Identifier: BSL-1.0
//
// detail/scope/scope_count.hpp: the last child of a scope against its close, a join in the body, a stop of the body,
// and a start through a handle from outside. The scope's end comes once, after the last child, and the scope may be
// gone from then on: the model finds a thread that touches it later. The model repeats the door of a scope_ref
// (src/scope/scope_core.cpp).
#include <bide/detail/scope/scope_count.hpp>

#include "model.hpp"

#include <array>

namespace {

constexpr unsigned most = 3;

struct scope {
    model::spin_lock lock;
    bide::detail::scope_count<model::chain, model::leaf, model::var> count;
    std::array<model::var<bool>, most> unfinished;  // the list of tasks, in the order of start
    model::var<unsigned> started{0};
    model::var<bool> may_defer_unwind{true};
    model::var<bool> there{true};  // false: destroyed

    void touch() const { RL_ASSERT(there); }
    // Under the lock.
    void add(unsigned place) {
        unfinished[place] = true;
        started = started + 1;
    }
    [[nodiscard]] bool ended_below(unsigned place) const {
        for (unsigned i = 0; i < place; ++i)
            if (unfinished[i]) return false;
        return true;
    }

    void start(unsigned place) {
        touch();
        const model::holding hold(lock);
        const bool open = count.enter();
        RL_ASSERT(open);
        add(place);
    }
    void leave();
    void ended(unsigned place) {
        touch();
        {
            const model::holding hold(lock);
            unfinished[place] = false;
            if (count.try_leave_fast()) return;
        }
        leave();
    }
};

/// join() in the body.
struct join_leaf : model::leaf {
    unsigned up_to;
    join_leaf(model::chain& c, unsigned n) : leaf(c), up_to(n) {}
};

void scope::leave() {
    touch();
    bide::detail::scope_count<model::chain, model::leaf, model::var>::called last;
    model::claimed woken;
    {
        const model::holding hold(lock);
        last = count.leave(woken, [this](model::leaf& l) { return ended_below(static_cast<join_leaf&>(l).up_to); });
        if (last.unwind != nullptr) may_defer_unwind = false;
    }
    while (model::leaf* l = woken.take()) l->resume();
    if (last.unwind != nullptr) last.unwind->post(false);
    if (last.resume != nullptr) last.resume->post(true);
}

/// What scope_refs share.
struct door {
    model::spin_lock lock;
    model::var<scope*> to;
    explicit door(scope& s) : to(&s) {}
};

/// The body: perhaps joins, then comes to the scope's end, and destroys the scope.
class body : public model::chain {
public:
    body(scope& s, door& d) : scope_(s), door_(d) {}
    ~body() override = default;

    void come_to_the_end() {
        phase_ = phase::end;
        bool closed = false;
        {
            const model::holding hold(scope_.lock);
            closed = scope_.count.close();
            if (!closed) scope_.count.wait_for_end(*this);
        }
        if (closed) finish();
    }
    void join_and_end() {
        if (must_stop()) {
            unwound();
            return;
        }
        phase_ = phase::join;
        {
            const model::holding hold(scope_.lock);
            leaf_.emplace(*this, scope_.started);
            if (scope_.ended_below(leaf_->up_to)) {
                leaf_.reset();
                phase_ = phase::end;
            }
        }
        if (phase_ == phase::end) {
            joined = true;
            come_to_the_end();
        } else if (!model::park_in(scope_.lock, scope_.count.joining, *leaf_,
                                   [this] { return scope_.ended_below(leaf_->up_to); })) {
            resumed();
        }
    }
    void resumed() override {
        if (phase_ == phase::end) {
            finish();
            return;
        }
        leaf_.reset();
        joined = true;
        come_to_the_end();
    }
    // The trampoline: scope_core::defer_unwind, then the frame goes.
    void unwound() override {
        if (scope_.may_defer_unwind) {
            const model::holding hold(scope_.lock);
            if (scope_.count.defer_unwind(*this)) return;
            scope_.may_defer_unwind = false;
        }
        ++unwinds;
        for (const auto& one : scope_.unfinished) RL_ASSERT(!one);
        if (leaf_) model::abandon(scope_.lock, scope_.count.joining, *leaf_);
        leaf_.reset();
        come_to_the_end();
    }
    int ends = 0;
    int unwinds = 0;
    bool joined = false;

private:
    enum class phase { running, join, end };
    void finish() {
        ++ends;
        for (const auto& one : scope_.unfinished) RL_ASSERT(!one);
        RL_ASSERT(!leaf_);
        {
            const model::holding hold(door_.lock);
            door_.to = nullptr;
        }
        RL_ASSERT(!scope_.count.waited_for());
        scope_.there = false;
    }
    scope& scope_;
    door& door_;
    phase phase_ = phase::running;
    std::optional<join_leaf> leaf_;
};

struct with_scope {
    scope s;
    door d{s};
    body b{s, d};
    void expect_one_end() {
        RL_ASSERT(b.ends == 1);
        RL_ASSERT(!s.there);
        const bool open = s.count.enter();
        RL_ASSERT(!open);
    }
};

/// The body is at its end while Children end, the first of them after it has started one more.
template <unsigned Children, bool More>
struct children_and_close : rl::test_suite<children_and_close<Children, More>, 1 + Children>, with_scope {
    void before() {
        for (unsigned i = 0; i < Children; ++i) s.start(i);
    }
    void thread(unsigned index) {
        if (index == Children) {
            b.come_to_the_end();
            return;
        }
        if (More && index == 0) s.start(Children);  // refused never: the one that starts it lives
        s.ended(index);
        if (More && index == 0) s.ended(Children);
    }
    void after() { expect_one_end(); }
};

/// The body joins what was started, and is stopped perhaps.
template <unsigned Children, bool Stop>
struct children_and_join : rl::test_suite<children_and_join<Children, Stop>, 1 + Children + (Stop ? 1 : 0)>,
                           with_scope {
    void before() {
        for (unsigned i = 0; i < Children; ++i) s.start(i);
    }
    void thread(unsigned index) {
        if (index < Children)
            s.ended(index);
        else if (index == Children)
            b.join_and_end();
        else
            b.stop();
    }
    void after() {
        expect_one_end();
        RL_ASSERT(b.joined ? b.unwinds == 0 : b.unwinds == 1);
        RL_ASSERT(Stop || b.joined);
    }
};

/// Somebody outside starts a task through a handle, while the last child ends and the body is at its end.
struct start_from_outside : rl::test_suite<start_from_outside, 3>, with_scope {
    bool refused = false;
    void before() { s.start(0); }
    void thread(unsigned index) {
        if (index == 0)
            s.ended(0);
        else if (index == 1)
            b.come_to_the_end();
        else
            from_outside();
    }
    void from_outside() {
        scope* open = nullptr;
        {
            const model::holding hold(d.lock);
            open = d.to;
            if (open != nullptr) {
                open->touch();
                const model::holding inside(open->lock);
                if (!open->count.enter()) open = nullptr;
            }
        }
        if (open == nullptr) {
            refused = true;
            return;
        }
        open->start(1);
        open->leave();  // unpins
        open->ended(1);
    }
    void after() { expect_one_end(); }
};

}  // namespace

int main() {
    model::explore<children_and_close<1, false>>("scope, its last child against its end");
    model::explore<children_and_close<2, false>>("scope, two children against its end", 4);
    model::explore<children_and_close<2, true>>("scope, a child that starts one more, against its end", 3);
    model::explore<children_and_join<1, false>>("scope, a join and then the end");
    model::explore<children_and_join<2, false>>("scope, a join of two and then the end", 4);
    model::explore<children_and_join<1, true>>("scope, a stop of the body that joins", 5);
    model::explore<children_and_join<2, true>>("scope, a stop of the body that joins two", 3);
    model::explore<start_from_outside>("scope, a start from outside against its end", 5);
    return model::failures == 0 ? 0 : 1;
}
