// SPDX-License-Identifier: BSL-1.0
//
// F2: a child of a fork gets a context of its own before anything is linked to the context or changes it. Each test has
// a child that has not waited do one such thing; afterwards the child is a chain of its own, which the failure of its
// sibling stops.
#include <bide/bide.hpp>
#include <bide/pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

struct wrong : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct place {
    bide::pool p;
    bide::pool other{1};
    bide::strand members{p};
    bide::strand elsewhere{other};
    bide::mutex m;
    bide::shared_mutex shared;
    bide::semaphore places{1};
    bide::stop_source never_asks;
    bide::task_local<std::string> name;
    bide::event stands;
    bide::event never;
    explicit place(int workers) : p(workers) {}
};
using deed = bide::task<> (*)(place&);

struct unwinds {
    std::atomic<int>& count;
    explicit unwinds(std::atomic<int>& n) : count(n) {}
    unwinds(const unwinds&) = delete;
    unwinds& operator=(const unwinds&) = delete;
    ~unwinds() { ++count; }
};
bide::task<> stays(place& at) {
    at.stands.set();
    co_await at.never;
}
bide::task<int> does_and_stays(place& at, deed d, std::atomic<int>& unwound) {
    const unwinds here(unwound);
    co_await d(at);
    co_await stays(at);
    co_return 1;
}
bide::task<int> fails_when(bide::event& stands) {
    co_await stands;
    throw wrong("late");
}
bide::task<int> beside_one_that_fails(place& at, deed d, std::atomic<int>& unwound) {
    auto [a, b] = co_await bide::when_all(does_and_stays(at, d, unwound), fails_when(at.stands));
    co_return a + b;
}

// The time limit is there for a failing test: a child that shares its parent's context is not stopped by its sibling.
void keeps_its_own(deed d) {
    for (const int workers : {1, 2})
        for (int round = 0; round < 20; ++round) {
            place at(workers);
            std::atomic<int> unwound{0};
            ASSERT_THROW(
                bide::with_timeout(20s, at.p.run(beside_one_that_fails, std::ref(at), d, std::ref(unwound))).wait(),
                wrong);
            ASSERT_EQ(unwound, 1);
        }
}

bide::task<> nothing() { co_return; }
bide::task<bool> truth() { co_return true; }

// ---- what changes the context of the frame: the frame itself stays there --------------------------------------------

bide::task<> in_a_strand(place& at) {
    { auto inside = co_await at.members.enter(); }
    co_await stays(at);
}
bide::task<> in_a_strand_with_waits(place& at) {
    {
        auto inside = co_await at.members.enter();
        co_await bide::yield_now();
        co_await bide::when_all(nothing(), nothing());
    }
    co_await stays(at);
}
bide::task<> in_a_strand_elsewhere(place& at) {
    { auto inside = co_await at.elsewhere.enter(); }
    co_await stays(at);
}
bide::task<> stays_in_a_strand(place& at) {
    auto inside = co_await at.members.enter();
    co_await stays(at);
}

TEST(pool_context, C10_1_a_strand) {
    keeps_its_own(in_a_strand);
    keeps_its_own(in_a_strand_with_waits);
    keeps_its_own(in_a_strand_elsewhere);
    keeps_its_own(stays_in_a_strand);
}

bide::task<> there_and_back(place& at) {
    co_await bide::resume_on(at.other);
    co_await bide::resume_on(at.p);
    co_await stays(at);
}
bide::task<> there(place& at) {
    co_await bide::resume_on(at.other);
    co_await stays(at);
}

TEST(pool_context, C10_1_another_executor) {
    keeps_its_own(there_and_back);
    keeps_its_own(there);
}

// ---- guards, which put a context of their own between ---------------------------------------------------------------

bide::task<> a_deadline(place&) { co_await bide::with_timeout(1h, nothing()); }
bide::task<> a_shield(place&) { co_await bide::shield(nothing()); }
bide::task<> a_stop_as_a_value(place&) { static_cast<void>(co_await bide::stopped_as_optional(truth())); }
bide::task<> a_token(place& at) { co_await bide::with_stop(at.never_asks.token(), nothing()); }
bide::task<> a_cleanup(place&) { co_await bide::finally(nothing(), nothing(), 1h); }
bide::task<> a_name(place& at) { co_await at.name.with_value("mine", nothing()); }
bide::task<> another_fork(place&) { co_await bide::when_all(nothing(), nothing(), nothing()); }
bide::task<> others_with_outcomes(place&) { co_await bide::when_all_settled(nothing(), truth()); }

TEST(pool_context, C10_1_guards) {
    keeps_its_own(a_deadline);
    keeps_its_own(a_shield);
    keeps_its_own(a_stop_as_a_value);
    keeps_its_own(a_token);
    keeps_its_own(a_cleanup);
    keeps_its_own(a_name);
    keeps_its_own(another_fork);
    keeps_its_own(others_with_outcomes);
}

// What waits inside of a guard or a branch is stopped with the child, too: they link their own stop state to the child's.
bide::task<> waits_in_a_deadline(place& at) { co_await bide::with_timeout(1h, stays(at)); }
bide::task<> waits_in_a_token(place& at) { co_await bide::with_stop(at.never_asks.token(), stays(at)); }
bide::task<> waits_as_a_value(place& at) { static_cast<void>(co_await bide::stopped_as_optional(stays(at))); }
bide::task<> waits_under_a_name(place& at) { co_await at.name.with_value("mine", stays(at)); }

TEST(pool_context, C10_1_what_waits_in_a_guard) {
    keeps_its_own(waits_in_a_deadline);
    keeps_its_own(waits_in_a_token);
    keeps_its_own(waits_as_a_value);
    keeps_its_own(waits_under_a_name);
}

bide::task<> waits_in_a_race(place& at) { co_await bide::race(stays(at), stays(at)); }
bide::task<> waits_beside_an_outcome(place& at) { co_await bide::when_all_settled(stays(at), truth()); }

TEST(pool_context, C10_1_what_waits_in_a_branch) {
    keeps_its_own(waits_in_a_race);
    keeps_its_own(waits_beside_an_outcome);
}

// ---- what is linked to it -------------------------------------------------------------------------------------------

bide::task<> a_scope(place&) {
    co_await bide::with_scope([](bide::scope& s) -> bide::task<> {
        s.start(nothing);
        co_await s.join();
    });
}
bide::task<> a_plain_scope(place&) {
    bide::with_scope([](bide::scope& s) { s.start(nothing); });
    co_return;
}
bide::task<> a_wait(place&) {
    truth().wait();
    co_return;
}
bide::task<> a_callback(place&) {
    const bide::stop_callback none([] {});
    co_await bide::yield_now();
}
bide::task<> a_job(place&) {
    co_await bide::to_thread([] {});
}
bide::task<> a_joined_job(place&) {
    co_await bide::run([] {});
}

TEST(pool_context, C10_1_scopes_waits_and_jobs) {
    keeps_its_own(a_scope);
    keeps_its_own(a_plain_scope);
    keeps_its_own(a_wait);
    keeps_its_own(a_callback);
    keeps_its_own(a_job);
    keeps_its_own(a_joined_job);
}

bide::task<> a_mutex(place& at) { const auto held = co_await at.m.lock(); }
bide::task<> a_shared_mutex(place& at) { const auto held = co_await at.shared.lock_shared(); }
bide::task<> a_semaphore(place& at) { const auto held = co_await at.places.acquire(); }

TEST(pool_context, C10_1_primitives) {
    keeps_its_own(a_mutex);
    keeps_its_own(a_shared_mutex);
    keeps_its_own(a_semaphore);
}

// ---- awaitables that are not bide's ---------------------------------------------------------------------------------

struct known_at_once {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};
struct resumes_at_once {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const noexcept { h.resume(); }
    void await_resume() const noexcept {}
};
struct does_not_suspend {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    void await_resume() const noexcept {}
};
bide::task<> foreign_and_known(place&) { co_await known_at_once(); }
bide::task<> foreign_and_resumed(place&) { co_await resumes_at_once(); }
bide::task<> foreign_and_not_waiting(place&) { co_await does_not_suspend(); }

TEST(pool_context, C10_1_foreign_awaitables) {
    keeps_its_own(foreign_and_known);
    keeps_its_own(foreign_and_resumed);
    keeps_its_own(foreign_and_not_waiting);
}

// No variable and no parameter that needs destroying: g++ 12 moves what is in such a frame (detail/base/compiler.hpp).
bide::task<> in_a_condition(place&) {
    if (co_await truth()) co_await bide::yield_now();
}
bide::task<> fork_in_a_condition(place& at) {
    if (co_await truth()) co_await bide::when_all(in_a_condition(at), in_a_condition(at));
}

TEST(pool_context, C10_1_awaits_in_conditions) {
    keeps_its_own(in_a_condition);
    keeps_its_own(fork_in_a_condition);
}

// ---- what belongs to one child --------------------------------------------------------------------------------------

bide::task<std::string> asks_name(place& at) {
    const std::string* const n = at.name.get();
    co_return n != nullptr ? *n : "none";
}
bide::task<std::string> asks_name_under_another(place& at) {
    co_return co_await at.name.with_value("mine", asks_name(at));
}
bide::task<std::string> names(place& at) {
    auto [a, b, c] = co_await bide::when_all(asks_name(at), asks_name_under_another(at), asks_name(at));
    co_return a + " " + b + " " + c;
}
bide::task<std::string> names_below(place& at) { co_return co_await at.name.with_value("all", names(at)); }

TEST(pool_context, C10_1_a_value_for_one_child_is_not_seen_by_the_others) {
    place at(2);
    EXPECT_EQ(at.p.run(names, std::ref(at)).wait(), "none mine none");
    EXPECT_EQ(at.p.run(names_below, std::ref(at)).wait(), "all mine all");
}

}  // namespace
