// SPDX-License-Identifier: BSL-1.0
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include "support/dev_mode.hpp"
#include "support/stack.hpp"
#include "support/threads.hpp"
#include "support/unhandled.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;

task<int> give(int i) { co_return i; }
task<int> later(int i) {
    co_await bide::sleep_for(1s);
    co_return i;
}

// ---- 1.3 ------------------------------------------------------------------------------------------------------------

TEST(wait, C1_3_needs_no_set_up) {
    EXPECT_EQ(give(1).wait(), 1);
    EXPECT_EQ(bide::wait(give(2)), 2);
    const bide::testing::virtual_time time;
    EXPECT_EQ(later(3).wait(), 3);
    EXPECT_EQ(time.elapsed(), 1s);
}
TEST(wait, C1_3_takes_any_awaitable) {
    const bide::testing::virtual_time time;
    bide::wait(bide::sleep_for(2s));
    bide::wait(bide::yield_now());
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    p.set_value(4);
    EXPECT_EQ(bide::wait(f), 4);
    auto t = give(5);
    EXPECT_EQ(bide::wait(std::move(t)), 5);
    EXPECT_EQ(time.elapsed(), 2s);
}
TEST(wait, C1_3_works_on_any_thread_and_several_at_once) {
    constexpr int threads = 4;
    std::barrier together(threads);
    std::vector<int> got(threads);
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
        all.emplace_back([&, i] {
            const bide::testing::virtual_time time;
            together.arrive_and_wait();
            for (int n = 0; n < 100; ++n) got[static_cast<std::size_t>(i)] += later(i).wait();
        });
    for (auto& t : all) t.join();
    for (int i = 0; i < threads; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], 100 * i);
}
TEST(wait, C1_3_drives_until_that_one_task_is_done_and_leaves_nothing_running) {
    // 9.5: a task that is left over never resumes in a later, unrelated call.
    const bide::testing::virtual_time time;
    bool resumed = false;
    const auto left_over = [&]() -> task<> {
        bide::with_scope([&](bide::scope& s) {
            s.start([&]() -> task<> {
                co_await bide::sleep_for(10s);
                resumed = true;
            });
            throw std::runtime_error("the body fails");
        });
        co_return;
    };
    EXPECT_THROW(left_over().wait(), std::runtime_error);
    EXPECT_EQ(later(1).wait(), 1);
    bide::wait(bide::sleep_for(1min));
    EXPECT_FALSE(resumed);
}
TEST(wait, C9_1_waiting_after_completion_and_waiting_twice_return_at_once) {
    bide::with_scope([&](bide::scope& s) {
        const bide::future<int> f = s.start(give, 6);
        EXPECT_EQ(f.wait(), 6);
        EXPECT_EQ(f.wait(), 6);
        EXPECT_EQ(bide::wait(f), 6);
    });
}

// ---- 1.4 ------------------------------------------------------------------------------------------------------------

TEST(wait, C1_4_in_the_body_of_a_sync_scope_advances_its_tasks) {
    const bide::testing::virtual_time time;
    std::string steps;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            steps += 'a';
            co_await bide::sleep_for(1s);
            steps += 'b';
        });
        steps += '0';
        bide::wait(bide::sleep_for(2s));
        steps += '1';
    });
    EXPECT_EQ(steps, "0ab1");
}
TEST(wait, C1_4_a_plain_blocking_call_advances_nothing) {
    std::string steps;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            steps += 'a';
            co_return;
        });
        std::this_thread::yield();
        steps += '0';
    });
    EXPECT_EQ(steps, "0a");
}
TEST(wait, C1_4_does_not_advance_them_while_a_task_of_that_loop_stands_on_the_stack) {
    const bide::testing::virtual_time time;
    const support::unhandled reports;
    const support::dev_mode_on dev;
    std::string steps;
    const auto stands = [&]() -> task<> {  // its first part runs in line in wait(), the rest in the loop's turns
        steps += '1';
        bide::wait(bide::sleep_for(1s));
        steps += '2';
        co_await bide::sleep_for(1s);
        steps += '3';
        bide::wait(bide::sleep_for(5s));
        steps += '4';
    };
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            steps += 'a';
            co_await bide::sleep_for(3s);
            steps += 'b';
        });
        stands().wait();
    });
    EXPECT_EQ(steps, "12a34b");
    EXPECT_EQ(reports.reports().size(), 2U);
}

// ---- 1.5 ------------------------------------------------------------------------------------------------------------

TEST(wait, C1_5_a_cold_task_in_plain_code_that_a_loop_runs_works_while_that_loop_stands_still) {
    const bide::testing::virtual_time time;
    std::string steps;
    const auto plain = [&] {
        steps += '(';
        const int n = later(7).wait();
        steps += ')';
        return n;
    };
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            EXPECT_EQ(plain(), 7);
            co_return;
        });
        s.start([&]() -> task<> {
            steps += 'x';
            co_return;
        });
    });
    EXPECT_EQ(steps, "()x");
}
TEST(wait, C1_5_C17_4_dev_mode_reports_the_standstill) {
    const bide::testing::virtual_time time;
    const support::unhandled reports;
    const support::dev_mode_on dev;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            EXPECT_EQ(later(7).wait(), 7);
            co_return;
        });
    });
    ASSERT_EQ(reports.reports().size(), 1U);
    EXPECT_NE(reports.reports()[0].find("standstill"), std::string::npos);
    EXPECT_NE(reports.reports()[0].find("wait_test.cpp"), std::string::npos);
    EXPECT_NE(reports.reports()[0].find("co_await"), std::string::npos);
}
TEST(wait, C1_5_a_wait_that_never_blocks_is_no_standstill) {
    const support::unhandled reports;
    const support::dev_mode_on dev;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            EXPECT_EQ(give(7).wait(), 7);
            co_return;
        });
    });
    EXPECT_TRUE(reports.reports().empty());
}
TEST(wait, C1_5_a_sync_scope_there_works_too) {
    const bide::testing::virtual_time time;
    const support::unhandled reports;
    const support::dev_mode_on dev;
    std::string steps;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> task<> {
            bide::with_scope([&](bide::scope& inner) {
                inner.start([&]() -> task<> {
                    co_await bide::sleep_for(2s);
                    steps += '2';
                });
                inner.start([&]() -> task<> {
                    co_await bide::sleep_for(1s);
                    steps += '1';
                });
            });
            steps += '|';
            co_return;
        });
        s.start([&]() -> task<> {
            steps += 'o';
            co_return;
        });
    });
    EXPECT_EQ(steps, "12|o");
    EXPECT_EQ(time.elapsed(), 2s);
    ASSERT_EQ(reports.reports().size(), 1U);
    EXPECT_NE(reports.reports()[0].find("standstill"), std::string::npos);
}
int alternate(int depth) {  // async -> sync -> async -> ...
    if (depth == 0) return 0;
    const auto level = [](int d) -> task<int> {
        co_await bide::yield_now();
        co_return 1 + alternate(d - 1);
    };
    return level(depth).wait();
}
TEST(wait, C1_5_async_and_sync_alternate_to_any_sensible_depth) { EXPECT_EQ(alternate(50), 50); }
TEST(wait, C1_5_too_deep_a_nest_of_waits_is_an_error_and_no_crash) {
    int deepest = 0;
    std::string said;
    int afterwards = 0;
    support::run_on_stack(std::size_t{1} << 20, [&] {
        try {
            for (int depth = 4; depth < 1 << 20; depth *= 2) deepest = alternate(depth);
        } catch (const bide::limit_reached& e) {
            said = e.what();
        }
        afterwards = alternate(3);
    });
    EXPECT_GE(deepest, 16);
    EXPECT_NE(said.find("nested"), std::string::npos) << said;
    EXPECT_EQ(afterwards, 3);
}

// ---- 1.9 idle_loop --------------------------------------------------------------------------------------------------

TEST(idle_loop, C1_9_gives_a_loop_that_is_not_running) {
    bide::idle_loop idle;
    bool ran = false;
    auto f = idle->submit([&]() -> task<int> {
        ran = true;
        co_return 3;
    });
    EXPECT_FALSE(ran);
    idle->run();
    EXPECT_TRUE(ran);
    EXPECT_EQ(f.value(), 3);
}
TEST(idle_loop, C1_9_it_is_the_current_one_for_waits_below) {
    const bide::testing::virtual_time time;
    bide::idle_loop idle;
    auto f = idle->submit(later, 3);
    EXPECT_EQ(f.wait(), 3);
    auto g = (*idle).submit(later, 4);
    EXPECT_EQ(later(5).wait(), 5);
    EXPECT_EQ(g.wait(), 4);
    EXPECT_EQ(time.elapsed(), 2s);  // at the same time
}
TEST(idle_loop, C1_9_is_the_threads_current_one_if_idle_else_a_new_one) {
    bide::idle_loop outer;
    {
        bide::idle_loop inner;
        EXPECT_EQ(&inner.get(), &outer.get());  // idle: the same
    }
    bide::loop* in_task = nullptr;
    bide::loop* in_task_nested = nullptr;
    auto f = outer->submit([&]() -> task<> {
        bide::idle_loop inside;  // the outer one is running now
        in_task = &inside.get();
        bide::idle_loop nested;
        in_task_nested = &nested.get();
        co_return;
    });
    outer->run();
    EXPECT_NE(in_task, nullptr);
    EXPECT_NE(in_task, &outer.get());
    EXPECT_EQ(in_task_nested, in_task);
    bide::idle_loop again;
    EXPECT_EQ(&again.get(), &outer.get());  // restored
}
TEST(idle_loop, C1_9_restores_by_exception_too) {
    bide::idle_loop outer;
    auto f = outer->submit([&]() -> task<> {
        const bide::idle_loop inside;
        throw std::runtime_error("with a guard open");
        co_return;
    });
    outer->run();
    EXPECT_THROW(f.wait(), std::runtime_error);
    const bide::idle_loop again;
    EXPECT_EQ(&again.get(), &outer.get());
}
TEST(idle_loop, C1_9_C9_6_a_thousand_rounds_leak_no_descriptor) {
    const auto round = [] {
        const bide::idle_loop idle;
        EXPECT_GE(idle->descriptor(), 0);
        const auto nested = [&]() -> task<> {
            const bide::idle_loop inner;
            EXPECT_GE(inner->descriptor(), 0);
            try {
                bide::with_scope([](bide::scope& s) {
                    s.start([]() -> task<> { co_await bide::sleep_for(1h); });
                    throw 1;
                });
            } catch (int) {  // a failed call leaks nothing either
            }
            co_return;
        };
        nested().wait();
    };
    round();
    const long before = support::descriptors_of_process();
    for (int i = 0; i < 1000; ++i) round();
    EXPECT_EQ(support::descriptors_of_process(), before);
}
TEST(idle_loop, C9_6_C19_5_a_wait_opens_no_descriptor) {
    std::thread([] {
        const long before = support::descriptors_of_process();
        EXPECT_EQ(give(1).wait(), 1);
        bide::wait(bide::sleep_for(1ms));
        EXPECT_EQ(support::descriptors_of_process(), before);
    }).join();
}

TEST(wait, C19_5_waits_scopes_and_futures_start_no_thread) {
    const long before = support::threads_of_process();
    EXPECT_EQ(give(1).wait(), 1);
    bide::wait(bide::sleep_for(1us));
    bide::promise<int> p;
    const bide::future<int> f = p.get_future();
    bide::with_scope([&](bide::scope& s) {
        s.start(give, 2);
        s.start([](bide::future<int> waits) -> task<> { EXPECT_EQ(co_await waits, 3); }, f);
        bide::wait(bide::yield_now());
        p.set_value(3);
        EXPECT_EQ(f.wait(), 3);
        // Fewer is right, too: where all tests run in one process, a thread of another test may have ended meanwhile.
        EXPECT_LE(support::threads_of_process(), before);
    });
    EXPECT_LE(support::threads_of_process(), before);
}

// ---- at the end of a thread -----------------------------------------------------------------------------------------

struct waits_when_the_thread_ends {
    int* out = nullptr;
    ~waits_when_the_thread_ends() {
        if (out == nullptr) return;
        for (int i = 0; i < 3; ++i) *out += give(1).wait();
        bide::wait(bide::sleep_for(1us));
    }
};
thread_local waits_when_the_thread_ends last_words;

TEST(wait, C1_3_works_in_the_destructors_of_a_threads_objects) {
    int said = 0;
    std::thread([&] {
        last_words.out = &said;            // made before the thread's loops, so destroyed after them
        bide::wait(bide::sleep_for(1us));  // the thread keeps its loop
    }).join();
    EXPECT_EQ(said, 3);
}

}  // namespace
