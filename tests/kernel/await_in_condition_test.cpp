// SPDX-License-Identifier: BSL-1.0
//
// co_await in a condition, in a coroutine that declares no variable around it: the most natural code there is. g++ 12
// moves the frame's contents by a word then (detail/base/compiler.hpp), so here no coroutine may have a local.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include "support/counted.hpp"

#include <chrono>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>

namespace {

using namespace bide;
using namespace std::chrono_literals;
using bide_test::counted;

task<bool> ready(bool b) { co_return b; }
task<bool> later(bool b) {
    co_await yield_now();
    co_return b;
}
task<bool> slow(bool b) {
    co_await sleep_for(1s);
    co_return b;
}
task<bool> failing() {
    co_await yield_now();
    throw std::runtime_error("no answer");
}
task<int> number(int n) {
    co_await yield_now();
    co_return n;
}

task<int> if_ready(bool b) {
    if (co_await ready(b)) co_return 1;
    co_return 2;
}
task<int> if_later(bool b) {
    if (co_await later(b)) co_return 1;
    co_return 2;
}
task<int> if_not(bool b) {
    if (!co_await later(b)) co_return 2;
    co_return 1;
}
task<int> if_and(bool b) {
    if (b && co_await later(b)) co_return 1;
    co_return 2;
}
task<int> if_or(bool b) {
    if (co_await later(b) || co_await ready(b)) co_return 1;
    co_return 2;
}
task<int> if_else_waits(bool b) {
    if (co_await later(b))
        co_await sleep_for(1s);
    else
        co_await yield_now();
    co_return b ? 1 : 2;
}
task<int> in_a_block(bool b) {
    {
        if (co_await slow(b)) co_return 1;
    }
    co_return 2;
}
task<int> in_try(bool b) {
    try {
        if (co_await later(b)) co_return 1;
    } catch (const std::exception&) {}
    co_return 2;
}
task<int> several(bool b) {  // eight conditions: a word of them
    if (co_await later(!b)) co_return 2;
    if (co_await later(!b)) co_return 2;
    if (co_await later(!b)) co_return 2;
    if (co_await later(!b)) co_return 2;
    if (co_await later(!b)) co_return 2;
    if (co_await later(!b)) co_return 2;
    if (co_await later(!b)) co_return 2;
    if (co_await slow(b)) co_return 1;
    co_return 3;
}
task<int> of_guards(bool b) {
    if (co_await with_timeout(10s, later(b))) co_return 1;
    if (co_await stopped_as_optional(later(b))) co_return 2;
    co_return 3;
}
task<int> of_combinators(bool b) {
    if (co_await race(later(b), slow(!b))) co_return 1;
    if (std::get<0>(co_await when_all(later(!b), ready(b)))) co_return 2;
    co_return 3;
}
task<int> of_a_scope(bool b) {
    if (co_await with_scope([&](scope& s) -> task<bool> { co_return co_await s.start(later, b); })) co_return 1;
    co_return 2;
}
task<int> of_a_job(bool b) {
    if (co_await run([b] { return b; })) co_return 1;
    co_return 2;
}
task<int> of_a_future(future<bool> f) {
    if (co_await f) co_return 1;
    co_return 2;
}

TEST(await_in_condition, C1_1_C19_6_if_goes_the_right_way) {
    bide::testing::virtual_time time;
    for (task<int> (*f)(bool) : {if_ready, if_later, if_not, if_and, if_or, if_else_waits, in_a_block, in_try, several,
                                 of_guards, of_combinators, of_a_scope}) {
        EXPECT_EQ(f(true).wait(), 1);
        EXPECT_EQ(f(false).wait(), 2);
    }
}

TEST(await_in_condition, C1_1_blocking_work_and_futures) {
    EXPECT_EQ(of_a_job(true).wait(), 1);
    EXPECT_EQ(of_a_job(false).wait(), 2);
    promise<bool> p;
    p.set_value(true);
    EXPECT_EQ(of_a_future(p.get_future()).wait(), 1);
}

task<int> loops(int n) {
    while (co_await later(n > 3)) --n;
    do --n;
    while (co_await later(n > 1));
    for (; co_await later(n < 7);) ++n;
    co_return n;
}
task<int> switches(int n) {
    switch (co_await number(n)) {
        case 1:
            co_return 10;
        case 2:
            co_await yield_now();
            co_return 20;
        default:
            break;
    }
    co_return 30;
}

TEST(await_in_condition, C1_1_C19_6_loops_and_switches) {
    EXPECT_EQ(loops(5).wait(), 7);
    EXPECT_EQ(switches(1).wait(), 10);
    EXPECT_EQ(switches(2).wait(), 20);
    EXPECT_EQ(switches(3).wait(), 30);
}

task<int> throwing(counted c) {
    if (co_await failing()) co_return 1;
    c.use();
    co_return 2;
}
task<int> stopped(counted c) {
    if (co_await slow(true)) co_return 1;
    c.use();
    co_return 2;
}
task<int> twice(counted c) {
    c.use();
    if (co_await later(true)) co_return co_await throwing(c);
    co_return 2;
}

TEST(await_in_condition, C6_5_failures_and_stops_destroy_each_frame_once) {
    bide::testing::virtual_time time;
    const int faults = counted::faults();
    EXPECT_THROW(throwing(counted()).wait(), std::runtime_error);
    EXPECT_THROW(twice(counted()).wait(), std::runtime_error);
    EXPECT_THROW(with_timeout(10ms, stopped(counted())).wait(), timed_out);
    with_scope({.exit = exit_mode::cancel}, [](scope& s) {
        s.start(stopped, counted());
        bide::wait(yield_now());
    });
    static_cast<void>(stopped(counted()));  // never begun
    EXPECT_EQ(counted::living(), 0);
    EXPECT_EQ(counted::faults(), faults);
}

task<int> from_allocator(std::allocator_arg_t, std::pmr::polymorphic_allocator<>, bool b) {
    if (co_await later(b)) co_return 1;
    co_return 2;
}

TEST(await_in_condition, C1_1_frames_in_memory_of_the_users) {
    std::pmr::monotonic_buffer_resource memory;
    EXPECT_EQ(from_allocator(std::allocator_arg, &memory, true).wait(), 1);
    EXPECT_EQ(with_scope({.memory = &memory}, [](scope& s) { return s.start(if_later, false).wait(); }), 2);
}

}  // namespace
