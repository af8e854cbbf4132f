// SPDX-License-Identifier: BSL-1.0
#include <bide/call.hpp>

#include "support/lives.hpp"
#include "support/threads.hpp"
#include "support/watchdog.hpp"

#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/task_local.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::arrivals;
using support::gate;
using support::opens;

namespace {

int square(int x) { return x * x; }
bide::task<int> square_later(int x) {
    co_await bide::yield_now();
    co_return x* x;
}
std::thread::id here() { return std::this_thread::get_id(); }
bide::task<std::thread::id> here_later() {
    co_await bide::yield_now();
    co_return std::this_thread::get_id();
}

struct functor {
    int by = 2;
    int operator()(int x) const { return by * x; }
};
struct functor_later {
    int by = 2;
    bide::task<int> operator()(int x) const { co_return by* x; }
};
struct object {
    int n = 5;
    int add(int x) const { return n + x; }
    bide::task<int> add_later(int x) const { co_return n + x; }
};

// ---- 1.7: to_async, to_blocking -------------------------------------------------------------------------------------

TEST(to_async, C1_7_a_blocking_function_becomes_awaitable_and_runs_on_a_thread) {
    const support::watchdog guard;
    auto f = bide::to_async(here);
    auto op = [&]() -> bide::task<> {
        const auto there = co_await f();
        EXPECT_NE(there, std::this_thread::get_id());
    };
    op().wait();
    EXPECT_NE(f().wait(), std::this_thread::get_id());
}

TEST(to_async, C1_7_an_async_one_comes_back_as_the_same_type) {
    static_assert(std::is_same_v<decltype(bide::to_async(square_later)), bide::task<int> (*)(int)>);
    static_assert(std::is_same_v<decltype(bide::to_async(functor_later())), functor_later>);
    auto lambda = [](int x) -> bide::task<int> { co_return x + 1; };
    static_assert(std::is_same_v<decltype(bide::to_async(lambda)), decltype(lambda)>);
    auto only_moves = [p = std::make_unique<int>(1)](int x) -> bide::task<int> { co_return x + *p; };
    static_assert(std::is_same_v<decltype(bide::to_async(std::move(only_moves))), decltype(only_moves)>);
    static_assert(std::is_same_v<decltype(bide::to_async(&object::add_later)), decltype(&object::add_later)>);
    auto changes = [n = 0](int x) mutable noexcept -> bide::task<int> { co_return n += x; };
    static_assert(std::is_same_v<decltype(bide::to_async(changes)), decltype(changes)>);

    auto once = bide::to_async(square);
    static_assert(std::is_same_v<decltype(bide::to_async(once)), decltype(once)>);
    EXPECT_EQ(bide::to_async(square_later)(3).wait(), 9);
    EXPECT_EQ(bide::to_async(lambda)(3).wait(), 4);
}

TEST(to_async, C1_7_every_callable_is_classified_by_what_the_call_returns) {
    const support::watchdog guard;
    EXPECT_EQ(bide::to_async(square)(3).wait(), 9);
    EXPECT_EQ(bide::to_async(functor{3})(4).wait(), 12);
    EXPECT_EQ(bide::to_async([](int x) { return x + 1; })(4).wait(), 5);
    const object o;
    EXPECT_EQ(bide::to_async(&object::add)(&o, 2).wait(), 7);
    EXPECT_EQ(bide::to_async(std::bind_front(square, 7))().wait(), 49);
    EXPECT_EQ(bide::to_async(std::bind_front(square_later, 8))().wait(), 64);

    // One callable of both kinds.
    auto either = bide::to_async([](auto x) {
        if constexpr (std::is_same_v<decltype(x), int>)
            return here_later();
        else
            return here();
    });
    static_assert(std::is_same_v<decltype(either(1)), bide::task<std::thread::id>>);
    EXPECT_EQ(either(1).wait(), std::this_thread::get_id());
    EXPECT_NE(either(1.0).wait(), std::this_thread::get_id());
}

TEST(to_async, C1_7_arguments_and_results_of_every_kind) {
    const support::watchdog guard;
    EXPECT_EQ(bide::to_async([](const std::unique_ptr<int>& p) { return *p; })(std::make_unique<int>(4)).wait(), 4);
    static int referred = 0;
    EXPECT_EQ(&bide::to_async([]() -> int& { return referred; })().wait(), &referred);
    bide::to_async([] {})().wait();
    EXPECT_EQ(*bide::to_async([] { return std::make_unique<int>(6); })().wait(), 6);
    auto only_moves = bide::to_async([p = std::make_unique<int>(7)] { return *p; });
    EXPECT_EQ(std::move(only_moves)().wait(), 7);
}

TEST(to_async, C1_7_nothing_runs_until_it_is_awaited) {
    const support::watchdog guard;
    std::atomic<int> ran{0};
    const auto kept = std::make_shared<int>(1);
    auto f = bide::to_async([&ran, kept] { ++ran; });
    {
        auto dropped = f();
        EXPECT_EQ(kept.use_count(), 3);
    }
    EXPECT_EQ(kept.use_count(), 2);
    EXPECT_EQ(ran.load(), 0);
    f().wait();
    EXPECT_EQ(ran.load(), 1);
    EXPECT_EQ(kept.use_count(), 2);
}

TEST(to_blocking, C1_7_an_async_function_blocks_and_a_blocking_one_comes_back_unchanged) {
    const support::watchdog guard;
    static_assert(std::is_same_v<decltype(bide::to_blocking(square)), int (*)(int)>);
    static_assert(std::is_same_v<decltype(bide::to_blocking(functor())), functor>);
    static_assert(std::is_same_v<decltype(bide::to_blocking(&object::add)), decltype(&object::add)>);
    auto blocking = bide::to_blocking(square_later);
    static_assert(std::is_same_v<decltype(blocking(1)), int>);
    static_assert(std::is_same_v<decltype(bide::to_blocking(blocking)), decltype(blocking)>);
    EXPECT_EQ(blocking(5), 25);
    EXPECT_EQ(bide::to_blocking(square)(5), 25);
    EXPECT_EQ(bide::to_blocking(functor_later{3})(4), 12);
    EXPECT_EQ(bide::to_blocking(std::bind_front(square, 6))(), 36);
    EXPECT_EQ(bide::to_blocking(std::bind_front(square_later, 6))(), 36);
    const object o;
    EXPECT_EQ(bide::to_blocking(&object::add_later)(&o, 2), 7);
    EXPECT_EQ(bide::to_blocking(here_later)(), std::this_thread::get_id());
}

TEST(to_blocking, C1_7_back_and_forth) {
    const support::watchdog guard;
    EXPECT_EQ(bide::to_blocking(bide::to_async(square))(3), 9);
    EXPECT_EQ(bide::to_async(bide::to_blocking(square_later))(3).wait(), 9);
}

TEST(to_async, C1_7_a_null_callable_is_refused) {
    EXPECT_THROW(static_cast<void>(bide::to_async(std::function<void()>())), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::to_blocking(std::function<int()>())), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::run(std::function<void()>())), std::invalid_argument);
}

// ---- 1.8: run, block ------------------------------------------------------------------------------------------------

TEST(run, C1_8_an_async_function_runs_here_and_a_blocking_one_on_a_thread) {
    const support::watchdog guard;
    auto op = []() -> bide::task<> {
        const auto mine = std::this_thread::get_id();
        EXPECT_EQ(co_await bide::run(here_later), mine);
        const auto there = co_await bide::run(here);
        EXPECT_NE(there, mine);
        EXPECT_EQ(std::this_thread::get_id(), mine);
        EXPECT_EQ(co_await bide::run(square, 3), 9);
        EXPECT_EQ(co_await bide::run(square_later, 4), 16);
        EXPECT_EQ(co_await bide::run(std::bind_front(square, 5)), 25);
    };
    op().wait();
    EXPECT_EQ(bide::run(square, 6).wait(), 36);
    EXPECT_EQ(bide::run(square_later, 7).wait(), 49);
}

TEST(run, C1_8_is_cold_and_holds_its_arguments) {
    const support::watchdog guard;
    std::string text = "abc";
    bide::task<std::size_t> t = bide::run([](const std::string& s) { return s.size(); }, text);
    bide::task<std::size_t> u =
        bide::run([](const std::string& s) -> bide::task<std::size_t> { co_return s.size(); }, std::string(100, 'x'));
    text = "changed";
    EXPECT_EQ(std::move(t).wait(), 3U);
    EXPECT_EQ(std::move(u).wait(), 100U);
    static_cast<void>(bide::run(square, 1));
}

TEST(run, C1_8_the_loop_goes_on_meanwhile) {
    const support::watchdog guard;
    gate g;
    std::vector<int> order;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto pass = [&] { g.pass(); };
            co_await bide::run(pass);
            order.push_back(2);
        });
        s.start([&]() -> bide::task<> {
            order.push_back(1);
            g.open();
            co_return;
        });
    });
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(block, C1_8_both_kinds_on_the_calling_thread) {
    const support::watchdog guard;
    EXPECT_EQ(bide::block(here), std::this_thread::get_id());
    EXPECT_EQ(bide::block(here_later), std::this_thread::get_id());
    EXPECT_EQ(bide::block(square, 3), 9);
    EXPECT_EQ(bide::block(square_later, 4), 16);
    int n = 1;
    auto refers = [](int& x) -> int& { return ++x; };
    EXPECT_EQ(&bide::block(refers, n), &n);
    EXPECT_EQ(n, 2);
    auto refers_later = [](int& x) -> bide::task<int&> {
        ++x;
        co_return x;
    };
    EXPECT_EQ(&bide::block(refers_later, n), &n);
    EXPECT_EQ(n, 3);
}

TEST(run, C1_8_the_exception_of_the_function_comes_through_unchanged) {
    const support::watchdog guard;
    struct mine {
        int n;
    };
    auto throws = [](int n) -> int { throw mine{n}; };
    auto throws_later = [](int n) -> bide::task<int> {
        co_await bide::yield_now();
        throw mine{n};
    };
    const auto number = [](auto&& f) {
        try {
            f();
        } catch (const mine& e) {
            return e.n;
        }
        return 0;
    };
    EXPECT_EQ(number([&] { bide::run(throws, 1).wait(); }), 1);
    EXPECT_EQ(number([&] { bide::run(throws_later, 2).wait(); }), 2);
    EXPECT_EQ(number([&] { bide::block(throws, 3); }), 3);
    EXPECT_EQ(number([&] { bide::block(throws_later, 4); }), 4);
    EXPECT_EQ(number([&] { bide::to_async(throws)(5).wait(); }), 5);
    EXPECT_EQ(number([&] { bide::to_blocking(throws_later)(6); }), 6);
}

TEST(run, C1_8_in_a_scope_and_in_virtual_time) {
    const support::watchdog guard;
    const bide::testing::virtual_time time;
    int sum = 0;
    bide::with_scope([&](bide::scope& s) {
        const auto a = s.start(bide::to_async(square), 3);
        const auto b = s.start(bide::run(square, 4));
        const auto c = s.start(bide::sleep_for(1h));
        sum = a.wait() + b.wait();
        EXPECT_EQ(time.elapsed(), 0s);
        c.wait();
    });
    EXPECT_EQ(sum, 25);
    EXPECT_EQ(time.elapsed(), 1h);
}

// ---- 4.6: what run starts is joined ---------------------------------------------------------------------------------

TEST(run, C4_6_blocking_work_is_asked_to_stop_and_joined_before_its_task_unwinds) {
    const support::watchdog guard;
    std::atomic<bool> asked{false};
    std::atomic<bool> ended{false};
    arrivals begun;
    bool unwound_after = false;
    auto work = [&] {
        gate told;
        const bide::stop_callback when([&] { told.open(); });
        begun.arrive();
        told.pass();
        asked = bide::stop_requested();
        ended = true;
        throw bide::cancelled();
    };
    struct at_unwinding {
        std::atomic<bool>& ended;
        bool& after;
        at_unwinding(std::atomic<bool>& e, bool& a) : ended(e), after(a) {}
        ~at_unwinding() { after = ended; }
    };
    auto op = [&]() -> bide::task<> {
        const at_unwinding look(ended, unwound_after);
        co_await bide::run(work);
        ADD_FAILURE() << "goes on after it was stopped";
    };
    bide::with_scope(bide::scope_options{.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
        s.start(op);
        bide::wait(bide::yield_now());
        begun.await(1);
    });
    EXPECT_TRUE(asked.load());
    EXPECT_TRUE(ended.load());
    EXPECT_TRUE(unwound_after);
}

TEST(run, C4_6_a_value_that_arrives_nevertheless_is_delivered) {
    const support::watchdog guard;
    arrivals begun;
    int got = 0;
    auto work = [&] {
        gate told;
        const bide::stop_callback when([&] { told.open(); });
        begun.arrive();
        told.pass();
        return 5;
    };
    auto op = [&]() -> bide::task<> { got = co_await bide::run(work); };
    bide::with_scope(bide::scope_options{.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
        s.start(op);
        bide::wait(bide::yield_now());
        begun.await(1);
    });
    EXPECT_EQ(got, 5);
}

TEST(run, C4_6_work_that_has_not_begun_never_begins) {
    const support::watchdog guard;
    bide::set_max_threads(1);
    gate g;
    arrivals begun;
    bool ran = false;
    bide::future<> busy;
    {
        const opens at_the_end(g);
        busy = bide::to_thread([&] {
            begun.arrive();
            g.pass();
        });
        begun.await(1);
        auto mark = [&] { ran = true; };
        bide::with_scope(bide::scope_options{.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            s.start(bide::to_async(mark));
            s.start(bide::to_async(mark));
            bide::wait(bide::yield_now());
        });  // ends although the one thread is busy
        EXPECT_FALSE(ran);
    }
    busy.wait();
    bide::set_max_threads(64);
}

TEST(run, C4_6_in_a_task_that_was_stopped_before_nothing_is_submitted) {
    const support::watchdog guard;
    bool ran = false;
    auto mark = [&] { ran = true; };
    auto op = [&]() -> bide::task<> {
        co_await bide::shield(bide::sleep_for(0s));
        co_await bide::run(mark);
    };
    const bide::stop_source stopped;
    stopped.request_stop();
    EXPECT_THROW(bide::with_stop(stopped.token(), op()).wait(), bide::cancelled);
    EXPECT_FALSE(ran);
}

TEST(run, C4_6_C6_4_a_timeout_waits_for_the_work) {
    const support::watchdog guard;
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
    auto work = [&] {
        begun = true;
        gate told;
        const bide::stop_callback when([&] { told.open(); });
        told.pass();
        ended = true;
        throw bide::cancelled();
    };
    // Work that has not begun in time never does: then another try.
    while (!begun) EXPECT_THROW(bide::with_timeout(1ms, bide::run(work)).wait(), bide::timed_out);
    EXPECT_TRUE(ended.load());
}

TEST(run, C4_6_stop_against_completion) {
    const support::watchdog guard(100s);
    support::life_count lives;
    for (int round = 0; round < 500; ++round) {
        bide::with_scope(bide::scope_options{.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            for (int i = 0; i < 3; ++i)
                s.start(bide::run([](const support::counted&) { return std::this_thread::get_id(); },
                                  support::counted(lives)));
            if (round % 2 == 0) bide::wait(bide::yield_now());
        });
        ASSERT_EQ(lives.alive.load(), 0);
    }
}

// ---- 1.6: joined work is part of the chain that waits for it --------------------------------------------------------

TEST(run, C1_6_work_that_waits_for_the_task_that_joins_it_is_told) {
    const support::watchdog guard;
    bide::loop l;
    bide::promise<bide::future<>> p;
    const auto handle = p.get_future();
    auto waits = [handle] { handle.wait().wait(); };
    const auto f = l.submit([waits]() -> bide::task<> { co_await bide::run(waits); });
    p.set_value(f);
    l.run();
    EXPECT_THROW(f.wait(), bide::would_deadlock);
}

// ---- 1.11: resume_on, inheritance -----------------------------------------------------------------------------------

// An executor with a thread of its own.
class one_thread {
public:
    one_thread() : thread_([this] { loop_.run(); }) {}
    one_thread(const one_thread&) = delete;
    one_thread& operator=(const one_thread&) = delete;
    ~one_thread() {
        over_.set_value();
        thread_.join();
    }
    bide::loop& loop() { return loop_; }
    std::thread::id id() const { return thread_.get_id(); }

private:
    bide::loop loop_;
    bide::promise<> over_;
    bide::future<> until_ = loop_.submit(over_.get_future());
    std::thread thread_;
};

TEST(resume_on, C1_11_moves_the_rest_of_a_coroutine_and_what_it_calls) {
    const support::watchdog guard;
    one_thread other;
    auto moved = [&]() -> bide::task<int> {
        const auto before = std::this_thread::get_id();
        EXPECT_NE(before, other.id());
        co_await bide::resume_on(other.loop());
        EXPECT_EQ(std::this_thread::get_id(), other.id());
        co_await bide::sleep_for(1ms);
        EXPECT_EQ(std::this_thread::get_id(), other.id());
        EXPECT_EQ(co_await here_later(), other.id());
        co_await bide::resume_on(other.loop());  // is there already
        EXPECT_EQ(std::this_thread::get_id(), other.id());
        co_return 3;
    };
    auto calls = [&]() -> bide::task<> {
        const auto mine = std::this_thread::get_id();
        EXPECT_EQ(co_await moved(), 3);
        EXPECT_EQ(std::this_thread::get_id(), mine);  // a caller goes on where it was
    };
    calls().wait();
    EXPECT_EQ(moved().wait(), 3);
    bide::with_scope([&](bide::scope& s) {
        const auto f = s.start(moved);
        EXPECT_EQ(f.wait(), 3);
    });
}

TEST(resume_on, C1_11_there_and_back) {
    const support::watchdog guard;
    one_thread a;
    one_thread b;
    auto op = [&]() -> bide::task<> {
        for (int i = 0; i < 50; ++i) {
            co_await bide::resume_on(a.loop());
            EXPECT_EQ(std::this_thread::get_id(), a.id());
            co_await bide::resume_on(b.loop());
            EXPECT_EQ(std::this_thread::get_id(), b.id());
        }
    };
    std::array<bide::future<>, 3> all{a.loop().submit(op), b.loop().submit(op), a.loop().submit(op)};
    for (auto& f : all) f.wait();
}

TEST(resume_on, C1_11_failures_and_stops_go_back_to_the_caller) {
    const support::watchdog guard;
    one_thread other;
    auto fails = [&]() -> bide::task<> {
        co_await bide::resume_on(other.loop());
        throw std::runtime_error("there");
    };
    EXPECT_THROW(fails().wait(), std::runtime_error);

    std::thread::id unwound_on;
    std::thread::id caller_unwound_on;
    struct says_where {
        std::thread::id& id;
        explicit says_where(std::thread::id& i) : id(i) {}
        ~says_where() { id = std::this_thread::get_id(); }
    };
    arrivals there;
    auto sleeps = [&]() -> bide::task<> {
        const says_where at(unwound_on);
        co_await bide::resume_on(other.loop());
        there.arrive();
        co_await bide::sleep_for(1h);
    };
    auto calls = [&]() -> bide::task<> {
        const says_where at(caller_unwound_on);
        co_await sleeps();
    };
    bide::with_scope([&](bide::scope& s) {
        s.start(calls);
        bide::wait(bide::yield_now());
        there.await(1);
        s.stop();
    });
    EXPECT_EQ(unwound_on, other.id());
    EXPECT_EQ(caller_unwound_on, std::this_thread::get_id());
}

TEST(resume_on, C1_11_under_a_guard) {
    const support::watchdog guard;
    one_thread other;
    auto moved = [&]() -> bide::task<int> {
        co_await bide::resume_on(other.loop());
        EXPECT_TRUE(bide::time_left());
        co_return 4;
    };
    auto never = [&]() -> bide::task<int> {
        co_await bide::resume_on(other.loop());
        co_await bide::sleep_for(1h);
        co_return 5;
    };
    auto op = [&]() -> bide::task<> {
        const auto mine = std::this_thread::get_id();
        EXPECT_EQ(co_await bide::with_timeout(1h, moved()), 4);
        EXPECT_EQ(std::this_thread::get_id(), mine);
        bool timed_out = false;
        try {
            co_await bide::with_timeout(1ms, never());
        } catch (const bide::timed_out&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        EXPECT_EQ(std::this_thread::get_id(), mine);
        EXPECT_FALSE(bide::time_left());
    };
    op().wait();
}

TEST(resume_on, C1_11_a_task_that_is_to_end_is_not_moved) {
    const support::watchdog guard;
    one_thread other;
    bool moved = false;
    auto op = [&]() -> bide::task<> {
        co_await bide::resume_on(other.loop());
        moved = true;
    };
    const bide::stop_source stopped;
    stopped.request_stop();
    EXPECT_THROW(bide::with_stop(stopped.token(), op()).wait(), bide::cancelled);
    EXPECT_FALSE(moved);
}

constinit bide::task_local<int> depth;

TEST(run, C1_11_inherits_stop_deadline_and_task_locals) {
    const support::watchdog guard;
    auto look = [] { return std::pair(depth.get() != nullptr ? *depth.get() : 0, bide::time_left().has_value()); };
    const auto seen = bide::with_timeout(1h, depth.with_value(7, bide::run(look))).wait();
    EXPECT_EQ(seen.first, 7);
    EXPECT_TRUE(seen.second);
}

TEST(run, C1_11_jobs_of_jobs_inherit_too) {
    const support::watchdog guard;
    auto look = [] { return depth.get() != nullptr ? *depth.get() : 0; };
    auto outer = [look] { return bide::to_thread(look).wait() + bide::run(look).wait() + bide::block(look); };
    EXPECT_EQ(depth.with_value(5, bide::run(outer)).wait(), 15);
}

TEST(run, C1_11_a_thousand_at_once_leave_nothing) {
    const support::watchdog guard(100s);
    bide::shutdown();
    const long threads_before = support::threads_of_process();
    const long descriptors_before = support::descriptors_of_process();
    std::atomic<int> sum{0};
    bide::with_scope([&](bide::scope& s) {
        for (int i = 0; i < 1000; ++i) s.start(bide::run([&sum](int n) { sum += n; }, i));
    });
    EXPECT_EQ(sum.load(), 499'500);
    bide::shutdown();
    EXPECT_TRUE(support::threads_become(threads_before));
    EXPECT_EQ(support::descriptors_of_process(), descriptors_before);
}

}  // namespace
