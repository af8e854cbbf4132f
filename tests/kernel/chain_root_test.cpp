// SPDX-License-Identifier: BSL-1.0
//
// The four ways in which a chain with a node of its own begins and ends.
#include <bide/detail/kernel/chain_root.hpp>

#include <bide/detail/kernel/resume_on.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/loop.hpp>
#include <bide/sync/event.hpp>
#include <bide/task.hpp>

#include "support/hand_run.hpp"
#include "support/steps.hpp"

#include <gtest/gtest.h>

#include <source_location>
#include <string>

namespace {

using bide::task;
using namespace bide::detail;

// A chain that begins when its node runs, and logs its end.
class root final : public chain_root {
public:
    root(task<int> t, support::hand_run& home, support::log_of& log)
        : chain_root(task_kind::task, std::source_location::current(), &root::on_due), slot_(t.release()), log_(log) {
        inherit(home, nullptr);
        enlist();
        home.post(*this);
    }
    [[nodiscard]] int value() { return slot_.take(); }
    [[nodiscard]] outcome how() const { return slot_.state; }

private:
    static void on_due(call_node* self) noexcept {
        auto& r = *static_cast<root*>(self);
        r.begin_cold(r.slot_, &root::on_end);
    }
    static void on_end(call_node* self) noexcept {
        auto& r = *static_cast<root*>(self);
        r.slot_.settle(r.stop);
        r.log_.emplace_back("ended");
        r.leave_tree();
    }
    slot<int> slot_;
    support::log_of& log_;
};

task<int> at_once(support::log_of& log) {
    log.emplace_back("ran");
    co_return 7;
}
task<int> after(bide::event& e) {
    co_await e;
    co_return 8;
}
task<int> moves(bide::executor& to) {
    co_await resume_on_op(to);
    co_return 9;
}
task<int> leaves_by_cancelled(bool asked) {
    if (asked) current_context()->stop->request(bide::stop_reason::user);
    throw bide::cancelled();
    co_return 0;
}

class chain_root_test : public testing::Test {
protected:
    bide::loop timers;
    support::hand_run home{timers};
    support::hand_run other{timers};
    support::log_of log;
};

TEST_F(chain_root_test, an_end_without_waiting_is_handled_in_line) {
    root r(at_once(log), home, log);
    EXPECT_EQ(log, support::log_of());
    EXPECT_EQ(home.drain(), 1);
    EXPECT_EQ(log, (support::log_of{"ran", "ended"}));
    EXPECT_EQ(r.value(), 7);
}

TEST_F(chain_root_test, an_end_after_a_wait_is_handled_where_it_comes) {
    bide::event e;
    root r(after(e), home, log);
    EXPECT_EQ(home.drain(), 1);
    EXPECT_EQ(log, support::log_of());
    e.set();
    EXPECT_EQ(home.drain(), 1);
    EXPECT_EQ(log, support::log_of{"ended"});
    EXPECT_EQ(r.value(), 8);
}

TEST_F(chain_root_test, an_end_on_another_executor_comes_home) {
    root r(moves(other), home, log);
    EXPECT_EQ(home.drain(), 1);
    EXPECT_EQ(other.drain(), 1);
    EXPECT_EQ(log, support::log_of());
    EXPECT_EQ(home.drain(), 1);
    EXPECT_EQ(log, support::log_of{"ended"});
    EXPECT_EQ(r.value(), 9);
}

TEST_F(chain_root_test, a_chain_that_was_asked_to_stop_before_never_begins) {
    root r(at_once(log), home, log);
    r.stop.request(bide::stop_reason::user);
    EXPECT_EQ(home.drain(), 1);
    EXPECT_EQ(log, support::log_of{"ended"});
    EXPECT_EQ(r.how(), outcome::stopped);
}

TEST_F(chain_root_test, leaving_by_cancelled_is_the_stop_only_if_it_was_asked_for) {
    root asked(leaves_by_cancelled(true), home, log);
    root unasked(leaves_by_cancelled(false), home, log);
    EXPECT_EQ(home.drain(), 2);
    EXPECT_EQ(asked.how(), outcome::stopped);
    EXPECT_EQ(unasked.how(), outcome::failed);
    EXPECT_THROW(static_cast<void>(unasked.value()), bide::cancelled);
}

}  // namespace
