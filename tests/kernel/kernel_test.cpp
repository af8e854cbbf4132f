// SPDX-License-Identifier: BSL-1.0
//
// The order at the end of a task that has waited: its frame dies, with its parameters, before its end is delivered
// (18.1, rule K6 of docs/map.md). The executor of a thread of its own would run the awaiting frame from the delivery
// on, so no parameter may be alive then. The test's executor looks at that moment: in post().
#include <bide/combine.hpp>
#include <bide/executor.hpp>
#include <bide/future.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/sync/event.hpp>
#include <bide/time.hpp>

#include "support/lives.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;
using support::counted;

/// An executor that is emptied by hand, and that notes how many parameters are alive when a node is posted.
class watching final : public bide::executor {
public:
    explicit watching(const support::life_count& lives) noexcept : lives_(lives) {}
    ~watching() { retire(); }
    void post(bide::ready_node& node) noexcept override {
        posted_.push_back(&node);
        alive_.push_back(lives_.alive);
    }
    void drain() {
        while (next_ < posted_.size()) bide::run_ready(*posted_[next_++]);
    }
    /// How many were alive at each post from the `nth` on.
    [[nodiscard]] std::vector<int> alive_at_posts_from(std::size_t nth) const {
        return {alive_.begin() + static_cast<std::ptrdiff_t>(nth), alive_.end()};
    }
    [[nodiscard]] std::size_t posts() const noexcept { return posted_.size(); }

private:
    const support::life_count& lives_;
    std::vector<bide::ready_node*> posted_;
    std::vector<int> alive_;
    std::size_t next_ = 0;
};

/// A task with a parameter that waits, and what it takes to see its end.
class waiting_child {
public:
    support::life_count lives;
    watching ex{lives};
    bide::event end;
    bide::stop_source stop;
    int went_on = 0;

    static task<> child(counted, bide::event& end) { co_await end; }
    [[nodiscard]] task<> start_child() { return child(counted(lives), end); }

    /// Runs `awaits` until it waits, lets `how` end the child, and looks at what is posted from then on.
    template <class Awaits, class How>
    void expect_dead_at_delivery(const Awaits& awaits, const How& how) {
        bide::with_scope(bide::scope_options{.on = &ex}, [&](bide::scope& s) {
            s.start(awaits);
            ex.drain();
            EXPECT_GE(lives.alive, 1);
            how();  // posts the child's frame: from now on a post delivers its end, or comes later
            const std::size_t from = ex.posts();
            ex.drain();
            const std::vector<int> alive = ex.alive_at_posts_from(from);
            ASSERT_FALSE(alive.empty());  // the awaiting frame at least
            for (const int n : alive) EXPECT_EQ(n, 0);
            EXPECT_EQ(went_on, 1);
        });
    }
    void expect_dead_after_set(const auto& awaits) {
        expect_dead_at_delivery(awaits, [this] { end.set(); });
    }
    void expect_dead_after_stop(const auto& awaits) {
        expect_dead_at_delivery(awaits, [this] { stop.request_stop(); });
    }
};

TEST(kernel, C18_1_parameters_are_dead_when_the_awaiting_frame_is_posted) {
    waiting_child t;
    t.expect_dead_after_set([&t]() -> task<> {
        co_await t.start_child();
        ++t.went_on;
    });
}
TEST(kernel, C18_1_parameters_are_dead_when_a_guard_is_told) {
    waiting_child t;
    t.expect_dead_after_set([&t]() -> task<> {
        co_await bide::with_timeout(1h, t.start_child());
        ++t.went_on;
    });
    waiting_child shielded;
    shielded.expect_dead_after_set([&t = shielded]() -> task<> {
        co_await bide::shield(t.start_child());
        ++t.went_on;
    });
}
TEST(kernel, C18_1_parameters_are_dead_when_a_combinator_is_told) {
    waiting_child t;
    t.expect_dead_after_set([&t]() -> task<> {
        co_await bide::when_all(t.start_child());
        ++t.went_on;
    });
}
TEST(kernel, C18_1_parameters_are_dead_when_a_waiter_of_a_started_task_is_posted) {
    waiting_child t;
    t.expect_dead_after_set([&t]() -> task<> {
        co_await bide::with_scope([&t](bide::scope& s) -> task<> {
            const bide::future<> started = s.start(&waiting_child::child, counted(t.lives), std::ref(t.end));
            co_await started;
            ++t.went_on;
        });
    });
}
TEST(kernel, C18_1_C6_5_parameters_of_a_stopped_task_are_dead_when_its_end_is_told) {
    waiting_child t;
    t.expect_dead_after_stop([&t]() -> task<> {
        static_cast<void>(co_await bide::stopped_as_optional(bide::with_stop(t.stop.token(), t.start_child())));
        ++t.went_on;
    });
    waiting_child all;
    all.expect_dead_after_stop([&t = all]() -> task<> {
        const auto both = [&t]() -> task<> { co_await bide::when_all(t.start_child()); };
        static_cast<void>(co_await bide::stopped_as_optional(bide::with_stop(t.stop.token(), both())));
        ++t.went_on;
    });
}

}  // namespace
