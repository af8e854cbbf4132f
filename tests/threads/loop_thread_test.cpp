// SPDX-License-Identifier: BSL-1.0
#include <bide/call.hpp>
#include <bide/loop_thread.hpp>
#include <bide/pool.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include "support/watchdog.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using support::watchdog;

std::size_t threads_now() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++n;
    return n;
}
std::size_t descriptors_now() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
    return n;
}

// Counts what is alive; shows that cleanup ran and that arguments were destroyed.
struct counted {
    std::atomic<int>* n;
    explicit counted(std::atomic<int>& count) : n(&count) { ++*n; }
    counted(const counted& other) : n(other.n) { ++*n; }
    counted& operator=(const counted&) = delete;
    ~counted() { --*n; }
};

bide::task<int> twice(int n) {
    co_await bide::yield_now();
    co_return 2 * n;
}
bide::task<> sleep_for_ever(std::promise<void>* begun = nullptr) {
    if (begun != nullptr) begun->set_value();
    co_await bide::sleep_for(std::chrono::steady_clock::duration::max());
}
bide::task<std::thread::id> my_thread() { co_return std::this_thread::get_id(); }

// ---- 7.1 ------------------------------------------------------------------------------------------------------------

TEST(loop_thread, C7_1_C19_5_constructing_starts_no_thread_and_never_starting_is_harmless) {
    const std::size_t before = threads_now();
    const std::size_t fds = descriptors_now();
    {
        bide::loop_thread t;
        EXPECT_EQ(threads_now(), before);
        EXPECT_FALSE(t.running());
        t.on_start([]() -> bide::task<> { co_return; });
    }
    EXPECT_EQ(threads_now(), before);
    EXPECT_EQ(descriptors_now(), fds);
}

TEST(loop_thread, C7_1_C9_7_start_returns_when_the_loop_accepts_work) {
    const watchdog guard;
    for (int i = 0; i < 50; ++i) {
        bide::loop_thread t;
        t.start();
        EXPECT_TRUE(t.running());
        EXPECT_EQ(t.submit(twice, i).wait(), 2 * i);
    }
}

TEST(loop_thread, C7_1_the_destructor_stops_and_joins) {
    const watchdog guard;
    const std::size_t before = threads_now();
    std::atomic<int> alive{0};
    bide::future<> f;
    {
        bide::loop_thread t;
        t.start();
        std::promise<void> begun;
        f = t.submit([](counted, std::promise<void>* p) -> bide::task<> { co_await sleep_for_ever(p); }, counted(alive),
                     &begun);
        begun.get_future().wait();
        EXPECT_GT(alive, 0);
    }
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
    EXPECT_EQ(threads_now(), before);
}

TEST(loop_thread_death, C7_1_destroying_it_on_its_own_thread_ends_the_program_with_a_message) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            auto t = std::make_unique<bide::loop_thread>();
            t->start();
            t->call([&] { t.reset(); }).wait();
        },
        "destroyed on its own thread");
}

TEST(loop_thread, C7_1_the_thread_has_the_name_it_was_given) {
    const watchdog guard;
    bide::loop_thread t("crawler number 17");
    t.start();
    const std::string name = t.call([] {
                                  char text[32] = {};
                                  pthread_getname_np(pthread_self(), text, sizeof text);
                                  return std::string(text);
                              }).wait();
    EXPECT_EQ(name, "crawler number ");
}

// ---- 7.2 ------------------------------------------------------------------------------------------------------------

TEST(loop_thread, C7_2_submit_takes_functions_with_arguments_tasks_and_other_awaitables) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    EXPECT_EQ(t.submit(twice, 4).wait(), 8);
    EXPECT_EQ(t.submit(twice(5)).wait(), 10);
    t.submit(bide::sleep_for(1ms)).wait();
    EXPECT_EQ(
        t.submit([](std::unique_ptr<int> p) -> bide::task<int> { co_return *p; }, std::make_unique<int>(6)).wait(), 6);
    EXPECT_THROW(t.submit([]() -> bide::task<> {
                      throw std::out_of_range("far");
                      co_return;
                  }).wait(),
                 std::out_of_range);
}

TEST(loop_thread, C7_2_everything_runs_on_the_loops_thread_whoever_submits) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    const auto id = t.submit(my_thread).wait();
    EXPECT_NE(id, std::this_thread::get_id());
    std::vector<std::thread> others;
    std::atomic<int> same{0};
    for (int i = 0; i < 4; ++i)
        others.emplace_back([&] {
            for (int k = 0; k < 100; ++k)
                if (t.submit(my_thread).wait() == id) ++same;
        });
    for (auto& o : others) o.join();
    EXPECT_EQ(same, 400);
}

TEST(loop_thread, C7_2_the_futures_stop_cancels_the_task_and_its_cleanup_runs) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::atomic<int> alive{0};
    std::promise<void> begun;
    auto f = t.submit(
        [](std::atomic<int>& n, std::promise<void>* p) -> bide::task<> {
            const counted local(n);
            co_await sleep_for_ever(p);
        },
        std::ref(alive), &begun);
    begun.get_future().wait();
    EXPECT_EQ(alive, 1);
    f.stop();
    EXPECT_THROW(f.wait(), bide::cancelled);
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(t.submit(twice, 1).wait(), 2);  // the others go on
}

TEST(loop_thread, C7_2_call_runs_plain_code_on_the_loops_thread) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    const auto id = t.submit(my_thread).wait();
    EXPECT_EQ(t.call([] { return std::this_thread::get_id(); }).wait(), id);
    int x = 0;
    t.call([&x] { x = 7; }).wait();
    EXPECT_EQ(x, 7);
    EXPECT_EQ(&t.call([&x]() -> int& { return x; }).wait(), &x);
    EXPECT_THROW(t.call([]() -> int { throw std::invalid_argument("no"); }).wait(), std::invalid_argument);
}

TEST(loop_thread, C7_2_a_task_of_another_loop_awaits_the_future) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    const auto sum = [](bide::loop_thread& on) -> bide::task<int> {
        auto a = on.submit(twice, 1);
        auto b = on.submit(twice, 2);
        const int first = co_await a;
        co_return first + co_await b;
    };
    EXPECT_EQ(sum(t).wait(), 6);
}

// ---- 7.3 ------------------------------------------------------------------------------------------------------------

TEST(loop_thread, C7_3_on_start_before_start_runs_for_the_threads_life_and_says_bye_bye) {
    const watchdog guard;
    std::string said;
    std::promise<void> working;
    bide::loop_thread t;
    const auto some_task = t.on_start([&]() -> bide::task<> {
        struct bye {
            std::string& to;
            explicit bye(std::string& s) : to(s) {}
            ~bye() { to += "Bye bye"; }
        } const at_end(said);
        said += "Doing some work, ";
        working.set_value();
        for (;;) co_await bide::sleep_for(500ms);
    });
    EXPECT_EQ(said, "");
    t.start();
    working.get_future().wait();
    t.shutdown();
    EXPECT_EQ(said, "Doing some work, Bye bye");
    static_assert(std::is_invocable_r_v<bide::task<>, decltype(some_task)>);  // on_start returned the function itself
}

TEST(loop_thread, C7_3_on_start_after_start_begins_at_once_and_gives_the_function_back) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::promise<int> p;
    auto f = [&p, n = 41]() mutable -> bide::task<> {
        p.set_value(++n);
        co_await sleep_for_ever();
    };
    auto& same = t.on_start(f);
    EXPECT_EQ(&same, &f);
    EXPECT_EQ(p.get_future().get(), 42);
    t.shutdown();
    EXPECT_THROW(t.on_start(f), bide::not_running);
}

TEST(loop_thread, C7_3_several_begin_in_the_order_of_registration) {
    const watchdog guard;
    std::vector<int> order;
    bide::loop_thread t;
    for (int i = 0; i < 3; ++i)
        t.on_start([&order, i]() -> bide::task<> {
            order.push_back(i);
            co_return;
        });
    t.start();
    t.submit(twice, 1).wait();  // runs behind the on_start tasks
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(loop_thread, C7_3_a_failure_of_an_on_start_function_goes_to_the_hook) {
    const watchdog guard;
    static std::atomic<int> reported;
    reported = 0;
    const auto before = bide::set_unhandled_error_hook([](std::exception_ptr e, const char*) {
        if (bide::describe(e) == "lost") ++reported;
    });
    {
        bide::loop_thread t;
        t.on_start([]() -> bide::task<> {
            throw std::runtime_error("lost");
            co_return;
        });
        t.start();
        EXPECT_EQ(t.submit(twice, 1).wait(), 2);  // the loop goes on
    }
    bide::set_unhandled_error_hook(before);
    EXPECT_EQ(reported, 1);
}

// ---- 7.4 ------------------------------------------------------------------------------------------------------------

TEST(loop_thread, C7_4_C9_7_stop_cancels_every_task_and_completes_every_future) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::atomic<int> alive{0};
    std::vector<bide::future<>> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(t.submit(
            [](counted, int n) -> bide::task<> {
                for (int k = 0; k < n; ++k) co_await bide::yield_now();
                co_await sleep_for_ever();
            },
            counted(alive), i));
    t.shutdown();
    EXPECT_EQ(alive, 0);
    for (auto& f : all) EXPECT_EQ(f.status(), bide::future_status::cancelled);  // also those that had not begun
    try {
        all.front().wait();
        ADD_FAILURE() << "the wait for a cancelled task threw nothing";
    } catch (const bide::cancelled& c) {
        EXPECT_EQ(c.reason(), bide::stop_reason::shutdown);
    }
}

TEST(loop_thread, C7_4_a_task_that_ends_with_a_value_despite_the_stop_gives_it) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::promise<void> begun;
    std::promise<void> go_on;
    auto f = t.submit(
        [](std::promise<void>* b, std::shared_future<void> go) -> bide::task<int> {
            b->set_value();
            go.wait();  // blocks outside bide: stop() comes meanwhile
            co_return 9;
        },
        &begun, go_on.get_future().share());
    begun.get_future().wait();
    std::thread stopper([&] { t.shutdown(); });
    while (t.running()) std::this_thread::yield();
    go_on.set_value();
    stopper.join();
    EXPECT_EQ(f.value(), 9);
}

TEST(loop_thread, C7_4_stop_is_idempotent_and_works_from_many_threads_at_once) {
    const watchdog guard;
    for (int round = 0; round < 20; ++round) {
        bide::loop_thread t;
        t.start();
        auto f = t.submit(sleep_for_ever, nullptr);
        std::vector<std::thread> stoppers;
        std::atomic<int> complete{0};
        for (int i = 0; i < 4; ++i)
            stoppers.emplace_back([&] {
                t.shutdown();
                if (f.status() == bide::future_status::cancelled) ++complete;
            });
        for (auto& s : stoppers) s.join();
        EXPECT_EQ(complete, 4);
        t.shutdown();
    }
}

bide::task<bool> refused_in_a_job(bide::loop_thread& t) {
    co_return co_await bide::run([&t] {
        try {
            t.shutdown();
            return false;
        } catch (const bide::would_deadlock&) {
            return true;
        }
    });
}
bide::task<bool> refused_elsewhere(bide::loop_thread& t, bide::executor& other) {
    co_await bide::resume_on(other);
    try {
        t.shutdown();
        co_return false;
    } catch (const bide::would_deadlock&) {
        co_return true;
    }
}

TEST(loop_thread, C7_4_shutdown_is_refused_in_code_that_one_of_its_tasks_waits_for) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    bide::pool p(1);
    EXPECT_TRUE(t.submit(refused_in_a_job, std::ref(t)).wait());
    EXPECT_TRUE(t.submit(refused_elsewhere, std::ref(t), std::ref(p)).wait());
    EXPECT_TRUE(t.running());  // it has asked nothing
    // A job that no task waits for may: the loop does not wait for it.
    EXPECT_NO_THROW(bide::to_thread([&t] { t.shutdown(); }).wait());
    EXPECT_FALSE(t.running());
}

TEST(loop_thread, C7_4_a_stop_without_a_reason_is_the_users) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    auto f = t.submit([]() -> bide::task<> { co_await bide::sleep_for(24h); });
    t.stop(bide::stop_reason::none);
    try {
        f.wait();
        ADD_FAILURE() << "the task was not stopped";
    } catch (const bide::cancelled& c) {
        EXPECT_EQ(c.reason(), bide::stop_reason::user);
    }
}

TEST(loop_thread, C7_4_of_two_stops_at_once_one_reason_wins_everywhere) {
    const watchdog guard;
    for (int round = 0; round < 100; ++round) {
        bide::loop_thread t;
        t.start();
        const auto reason_of = [](std::promise<void>* begun, std::atomic<int>& saw) -> bide::task<> {
            const bide::stop_callback note([&saw] { saw = static_cast<int>(bide::why_stopped()); });
            co_await sleep_for_ever(begun);
        };
        std::promise<void> first;
        std::promise<void> second;
        std::atomic<int> submitted{-1};
        std::atomic<int> started{-1};
        // One task was submitted; the other is the loop's because a scope of this thread has started it there.
        auto f = t.submit(reason_of, &first, std::ref(submitted));
        bide::scope_options there;
        there.on = &t.get_executor();
        bide::with_scope(there, [&](bide::scope& s) {
            s.start(reason_of, &second, std::ref(started));
            first.get_future().wait();
            second.get_future().wait();
            std::thread other([&t] { t.stop(bide::stop_reason::user); });
            t.stop(bide::stop_reason::shutdown);
            other.join();
        });
        EXPECT_THROW(f.wait(), bide::cancelled);
        EXPECT_EQ(submitted, started) << "round " << round;
    }
}

TEST(loop_thread, C7_4_C9_7_on_its_own_thread_stop_asks_and_shutdown_is_refused_and_cleanup_still_runs) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::atomic<int> alive{0};
    std::promise<void> begun;
    auto other = t.submit(
        [](std::atomic<int>& n, std::promise<void>* p) -> bide::task<> {
            const counted local(n);
            co_await sleep_for_ever(p);
        },
        std::ref(alive), &begun);
    begun.get_future().wait();
    bool after = false;
    auto f = t.submit(
        [](bide::loop_thread& self, bool& went_on, std::atomic<int>& n) -> bide::task<> {
            const counted local(n);
            EXPECT_THROW(self.shutdown(), bide::would_deadlock);  // it would wait for itself
            EXPECT_TRUE(self.running());                          // and has asked nothing
            self.stop();
            went_on = true;
            co_await bide::yield_now();
            ADD_FAILURE() << "this task was asked to stop as well";
        },
        std::ref(t), std::ref(after), std::ref(alive));
    EXPECT_THROW(f.wait(), bide::cancelled);
    EXPECT_TRUE(after);
    EXPECT_THROW(other.wait(), bide::cancelled);
    t.shutdown();
    EXPECT_EQ(alive, 0);
}

TEST(loop_thread, C7_4_new_work_is_refused_while_cleanup_runs) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    bool refused = false;
    std::promise<void> begun;
    struct at_end {
        bide::loop_thread& t;
        bool& refused;
        ~at_end() {
            try {
                static_cast<void>(t.submit(twice, 1));
            } catch (const bide::not_running&) {
                refused = true;
            }
        }
    };
    auto f = t.submit(
        [](bide::loop_thread& self, bool& r, std::promise<void>* p) -> bide::task<> {
            const at_end cleanup{self, r};
            co_await sleep_for_ever(p);
        },
        std::ref(t), std::ref(refused), &begun);
    begun.get_future().wait();
    t.shutdown();
    EXPECT_TRUE(refused);
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
}

TEST(loop_thread, C7_4_a_cleanup_that_waits_is_waited_for) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    bool cleaned = false;
    std::promise<void> begun;
    struct at_end {
        bool& done;
        ~at_end() {
            bide::wait(bide::sleep_for(2ms));  // shielded: it is unwinding
            done = true;
        }
    };
    auto f = t.submit(
        [](bool& done, std::promise<void>* p) -> bide::task<> {
            const at_end cleanup{done};
            co_await sleep_for_ever(p);
        },
        std::ref(cleaned), &begun);
    begun.get_future().wait();
    t.shutdown();
    EXPECT_TRUE(cleaned);
}

TEST(loop_thread, C7_4_tasks_that_others_started_on_its_executor_are_stopped_and_waited_for) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::atomic<int> alive{0};
    std::promise<void> begun;
    std::promise<void> two;
    std::thread stopper([&] {
        begun.get_future().wait();
        two.get_future().wait();
        t.shutdown();
        EXPECT_EQ(alive, 0);
    });
    bide::scope_options there;
    there.on = &t.get_executor();
    bide::future<> f;
    bide::with_scope(there, [&](bide::scope& s) {
        const auto body = [](std::atomic<int>& n, std::promise<void>* p) -> bide::task<> {
            const counted local(n);
            co_await sleep_for_ever(p);
        };
        f = s.start(body, std::ref(alive), &begun);
        static_cast<void>(s.start(body, std::ref(alive), &two));
    });  // the scope is this thread's, and its tasks ran on the loop_thread
    stopper.join();
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
}

TEST(loop_thread, C7_4_waiters_on_other_threads_are_released_by_stop) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::promise<void> begun;
    auto f = t.submit(sleep_for_ever, &begun);
    std::atomic<int> released{0};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 4; ++i)
        waiters.emplace_back([&] {
            try {
                f.wait();
            } catch (const bide::cancelled&) {
                ++released;
            }
        });
    begun.get_future().wait();
    t.shutdown();
    for (auto& w : waiters) w.join();
    EXPECT_EQ(released, 4);
}

TEST(loop_thread, C7_4_submits_that_race_with_stop_are_refused_or_completed) {
    const watchdog guard;
    for (int round = 0; round < 20; ++round) {
        bide::loop_thread t;
        t.start();
        std::atomic<bool> go{false};
        std::atomic<int> incomplete{0};
        std::vector<std::thread> submitters;
        for (int i = 0; i < 3; ++i)
            submitters.emplace_back([&] {
                std::vector<bide::future<int>> mine;
                while (!go) std::this_thread::yield();
                try {
                    for (;;) {
                        mine.push_back(t.submit(twice, 1));
                        if (mine.size() % 64 == 0) mine.back().wait();  // not faster than the loop
                    }
                } catch (const bide::not_running&) {
                } catch (const bide::cancelled&) {}
                for (auto& f : mine) {
                    try {
                        if (f.wait() != 2) ++incomplete;
                    } catch (const bide::cancelled&) {}
                }
            });
        go = true;
        std::this_thread::yield();
        t.shutdown();
        for (auto& s : submitters) s.join();
        EXPECT_EQ(incomplete, 0);
    }
}

// ---- 7.5 ------------------------------------------------------------------------------------------------------------

TEST(loop_thread, C7_2_C7_4_jobs_on_threads_are_joined_by_stop) {
    const watchdog guard;
    bide::loop_thread t;
    EXPECT_THROW(static_cast<void>(t.to_thread([] {})), bide::not_running);
    t.start();
    EXPECT_EQ(t.to_thread([](int n) { return n + 1; }, 2).wait(), 3);
    std::promise<void> begun;
    std::promise<void> go_on;
    auto f = t.to_thread([&] {
        begun.set_value();
        go_on.get_future().wait();
        return 8;
    });
    begun.get_future().wait();
    std::thread stopper([&] { t.shutdown(); });
    while (t.running()) std::this_thread::yield();
    EXPECT_EQ(f.status(), bide::future_status::pending);
    go_on.set_value();
    stopper.join();
    EXPECT_EQ(f.value(), 8);
    EXPECT_THROW(static_cast<void>(t.to_thread([] {})), bide::not_running);
}

TEST(loop_thread, C7_5_before_start_and_after_stop_everything_is_refused) {
    const watchdog guard;
    bide::loop_thread t;
    const auto refused = [&t] {
        EXPECT_THROW(static_cast<void>(t.submit(twice, 1)), bide::not_running);
        EXPECT_THROW(static_cast<void>(t.call([] {})), bide::not_running);
        EXPECT_THROW(static_cast<void>(t.get_executor()), bide::not_running);
    };
    refused();
    t.start();
    EXPECT_EQ(t.submit(twice, 1).wait(), 2);
    t.shutdown();
    refused();
    EXPECT_FALSE(t.running());
}

TEST(loop_thread, C7_5_a_second_start_throws) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    EXPECT_THROW(t.start(), bide::usage_error);
    EXPECT_EQ(t.submit(twice, 1).wait(), 2);  // and changes nothing
    t.shutdown();
    EXPECT_THROW(t.start(), bide::not_running);
}

TEST(loop_thread, C7_5_a_stop_before_the_start_wins) {
    bide::loop_thread t;
    t.shutdown();
    t.shutdown();
    EXPECT_THROW(t.start(), bide::not_running);
    bide::loop_thread asked;
    asked.stop();
    EXPECT_THROW(asked.start(), bide::not_running);
}

TEST(loop_thread, C7_4_stop_returns_while_cleanup_runs_and_shutdown_waits_for_it) {
    const watchdog guard;
    bide::loop_thread t;
    t.start();
    std::promise<void> begun;
    std::promise<void> go_on;
    std::atomic<bool> cleaned{false};
    auto f = t.submit(
        [](std::promise<void>& says, std::future<void> goes, std::atomic<bool>& over) -> bide::task<> {
            const auto clean = [&]() -> bide::task<> {
                co_await bide::to_thread([&] { goes.wait(); });
                over = true;
            };
            const auto body = [&]() -> bide::task<> { co_await sleep_for_ever(&says); };
            auto b = body();
            co_await bide::finally(std::move(b), clean, std::chrono::hours(1));
        },
        std::ref(begun), go_on.get_future(), std::ref(cleaned));
    begun.get_future().wait();
    t.stop();  // returns: the cleanup cannot have ended
    EXPECT_FALSE(cleaned);
    EXPECT_THROW(static_cast<void>(t.submit(twice, 1)), bide::not_running);
    go_on.set_value();
    t.shutdown();
    EXPECT_TRUE(cleaned);
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
}

TEST(loop_thread, C7_4_C6_5_the_first_stop_gives_the_reason) {
    const watchdog guard;
    const auto reason_of = [](const auto& stop) {
        bide::loop_thread t;
        t.start();
        auto f = t.submit(sleep_for_ever, nullptr);
        stop(t, f);
        try {
            f.wait();
        } catch (const bide::cancelled& c) {
            return c.reason();
        }
        return bide::stop_reason::none;
    };
    using bide::stop_reason;
    EXPECT_EQ(reason_of([](auto& t, auto&) { t.stop(); }), stop_reason::shutdown);
    EXPECT_EQ(reason_of([](auto& t, auto&) { t.shutdown(); }), stop_reason::shutdown);
    EXPECT_EQ(reason_of([](auto& t, auto&) {
                  t.stop(stop_reason::deadline);
                  t.stop(stop_reason::user);
                  t.shutdown();
              }),
              stop_reason::deadline);
    EXPECT_EQ(reason_of([](auto&, auto& f) { f.stop(); }), stop_reason::user);
    EXPECT_EQ(reason_of([](auto&, auto& f) { f.stop(stop_reason::sibling_failed); }), stop_reason::sibling_failed);
}

TEST(loop_thread, C7_5_arguments_of_refused_work_are_destroyed_and_nothing_runs) {
    const watchdog guard;
    std::atomic<int> alive{0};
    bool ran = false;
    bide::loop_thread t;
    const auto f = [&ran](counted) -> bide::task<> {
        ran = true;
        co_return;
    };
    EXPECT_THROW(static_cast<void>(t.submit(f, counted(alive))), bide::not_running);
    t.start();
    t.shutdown();
    EXPECT_THROW(static_cast<void>(t.submit(f, counted(alive))), bide::not_running);
    EXPECT_EQ(alive, 0);
    EXPECT_FALSE(ran);
}

// ---- 7.9, 9.6 -------------------------------------------------------------------------------------------------------

TEST(loop_thread, C7_9_in_the_child_of_a_fork_every_use_says_so_and_the_destructor_returns) {
    const watchdog guard;
    auto t = std::make_unique<bide::loop_thread>();
    t->start();
    EXPECT_EQ(t->submit(twice, 1).wait(), 2);
    const auto says_fork = [](const auto& f) {
        try {
            f();
        } catch (const bide::usage_error& e) {
            return std::string(e.what()).find("fork") != std::string::npos;
        }
        return false;
    };
    const pid_t child = ::fork();
    if (child == 0) {
        int wrong = 0;
        if (!says_fork([&] { static_cast<void>(t->submit(twice, 1)); })) wrong |= 1;
        if (!says_fork([&] { static_cast<void>(t->call([] {})); })) wrong |= 2;
        if (!says_fork([&] { t->shutdown(); })) wrong |= 4;
        if (!says_fork([&] { t->start(); })) wrong |= 8;
        if (!says_fork([&] { t->stop(); })) wrong |= 32;
        if (!says_fork([&] { static_cast<void>(t->get_executor()); })) wrong |= 16;
        t.reset();
        ::_exit(wrong);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(t->submit(twice, 2).wait(), 4);  // the parent's goes on
}

TEST(loop_thread, C9_6_threads_and_descriptors_do_not_pile_up) {
    const watchdog guard;
    {
        bide::loop_thread warm_up;
        warm_up.start();
        warm_up.submit(twice, 1).wait();
    }
    const std::size_t threads = threads_now();
    const std::size_t fds = descriptors_now();
    for (int i = 0; i < 200; ++i) {
        bide::loop_thread t;
        t.start();
        auto f = t.submit(sleep_for_ever, nullptr);
        if (i % 2 == 0) t.shutdown();
    }
    EXPECT_EQ(threads_now(), threads);
    EXPECT_EQ(descriptors_now(), fds);
}

// The bound is the process's: it counts also jobs that are submitted through a loop_thread.
TEST(loop_thread, C4_2_set_max_threads_bounds_its_jobs_too) {
    const int before = bide::max_threads();
    bide::set_max_threads(2);
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    std::atomic<int> ran{0};
    const auto job = [&] {
        const int now = ++running;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {}
        std::this_thread::sleep_for(std::chrono::milliseconds(2));  // so that others could overlap
        --running;
        ++ran;
    };
    {
        bide::loop_thread one;
        bide::loop_thread other;
        one.start();
        other.start();
        std::vector<bide::future<void>> all;
        for (int i = 0; i < 20; ++i) {
            all.push_back(one.to_thread(job));
            all.push_back(other.to_thread(job));
            all.push_back(bide::to_thread(job));
        }
        one.shutdown();  // joins its own
        for (std::size_t i = 0; i < all.size(); i += 3) EXPECT_NE(all[i].status(), bide::future_status::pending);
        for (auto& f : all) f.wait();
    }
    EXPECT_LE(most, 2);
    EXPECT_EQ(ran, 60);
    bide::set_max_threads(before);
}

TEST(loop_thread, C7_4_shutdown_in_one_of_its_own_jobs_says_that_it_would_wait_for_itself) {
    bide::loop_thread t;
    t.start();
    auto f = t.to_thread([&] { t.shutdown(); });
    EXPECT_THROW(f.wait(), bide::would_deadlock);
    EXPECT_TRUE(t.running());               // it has asked nothing
    t.to_thread([&] { t.stop(); }).wait();  // only asks
    EXPECT_FALSE(t.running());
    t.shutdown();
}

}  // namespace
