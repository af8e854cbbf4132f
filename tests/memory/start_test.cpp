// SPDX-License-Identifier: BSL-1.0
//
// start and submit when memory is short: the strong guarantee. They throw before the task is linked, the arguments are
// destroyed, and the scope or executor that was to own the task goes on as if the call had not been made.
#include "shortage.hpp"

#include <bide/bide.hpp>

#include <memory_resource>
#include <stdexcept>
#include <utility>

namespace {

using bide::scope;
using bide::task;
using support::counted;
using support::life_count;

task<int> ran(counted, int& runs) {
    ++runs;
    co_return 1;
}

// One start with the n-th allocation failing, then one with enough memory: the first either throws and has no effect,
// or works; the second works. False: nothing failed.
template <class Start>
bool one_after_the_other(Start start, long n, memory::shortage how, life_count& lives, int& runs, int& expected) {
    const long tasks = support::census::tasks_alive();
    bool failed = false;
    {
        const counted argument(lives);
        const memory::short_at armed(n, how);
        try {
            start(argument, runs);
            ++expected;
        } catch (...) {
            failed = memory::is_shortage(std::current_exception());
            EXPECT_TRUE(failed) << bide::describe(std::current_exception());
        }
    }
    if (failed) {
        EXPECT_EQ(lives.alive, 0) << "allocation " << n;
        EXPECT_EQ(support::census::tasks_alive(), tasks) << "allocation " << n;
    }
    start(counted(lives), runs);
    ++expected;
    return failed;
}

// For all n, each on a thread of its own (whose free lists are empty).
template <class With>
long for_all(With with) {
    long failed = 0;
    for (const memory::shortage how : {memory::shortage::once, memory::shortage::for_good})
        for (long n = 1;; ++n) {
            bool now = false;
            life_count lives;
            int runs = 0;
            int expected = 0;
            std::thread([&] { now = with(n, how, lives, runs, expected); }).join();
            EXPECT_EQ(runs, expected) << "allocation " << n;
            EXPECT_EQ(lives.alive, 0) << "allocation " << n;
            EXPECT_EQ(lives.made, lives.destroyed) << "allocation " << n;
            if (!now) break;
            ++failed;
        }
    return failed;
}

TEST(start_without_memory, C3_9_C19_3_in_a_scope_has_no_effect) {
    const long failed = for_all([](long n, auto how, life_count& l, int& runs, int& expected) {
        bool now = false;
        bide::with_scope([&](scope& s) {
            const auto start = [&s](const counted& c, int& r) { static_cast<void>(s.start(ran, c, std::ref(r))); };
            now = one_after_the_other(start, n, how, l, runs, expected);
        });
        return now;
    });
    EXPECT_GT(failed, 0);
}

TEST(start_without_memory, C3_9_C19_3_through_a_ref_has_no_effect) {
    const long failed = for_all([](long n, auto how, life_count& l, int& runs, int& expected) {
        bool now = false;
        bide::with_scope([&](scope& s) {
            const auto start = [&s](const counted& c, int& r) {
                auto through = s.ref();
                static_cast<void>(through.start(ran, c, std::ref(r)));
            };
            now = one_after_the_other(start, n, how, l, runs, expected);
        });
        return now;
    });
    EXPECT_GT(failed, 1);  // the door, and the task
}

TEST(start_without_memory, C3_4_in_the_memory_of_the_callers_has_no_effect) {
    struct resource final : std::pmr::memory_resource {
        void* do_allocate(std::size_t n, std::size_t a) override {
            ++blocks;
            try {
                return std::pmr::new_delete_resource()->allocate(n, a);
            } catch (...) {
                --blocks;
                throw;
            }
        }
        void do_deallocate(void* at, std::size_t n, std::size_t a) override {
            --blocks;
            std::pmr::new_delete_resource()->deallocate(at, n, a);
        }
        [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
        int blocks = 0;
    };
    const long failed = for_all([](long n, auto how, life_count& l, int& runs, int& expected) {
        resource mine;
        bool now = false;
        bide::with_scope({.memory = &mine}, [&](scope& s) {
            const auto start = [&s](const counted& c, int& r) { static_cast<void>(s.start(ran, c, std::ref(r))); };
            now = one_after_the_other(start, n, how, l, runs, expected);
        });
        EXPECT_EQ(mine.blocks, 0);
        return now;
    });
    EXPECT_GT(failed, 0);
}

TEST(start_without_memory, C7_2_C19_3_submit_to_a_loop_has_no_effect) {
    const long failed = for_all([](long n, auto how, life_count& l, int& runs, int& expected) {
        bide::loop own;
        const auto start = [&own](const counted& c, int& r) { static_cast<void>(own.submit(ran, c, std::ref(r))); };
        const bool now = one_after_the_other(start, n, how, l, runs, expected);
        own.run();
        return now;
    });
    EXPECT_GT(failed, 0);
}

TEST(start_without_memory, C7_2_C19_3_submit_to_a_loop_thread_has_no_effect) {
    bide::loop_thread worker;
    worker.start();
    const long failed = for_all([&](long n, auto how, life_count& l, int& runs, int& expected) {
        bide::future<int> one;
        bide::future<int> two;
        int done = 0;
        const auto start = [&](const counted& c, int& r) {
            auto f = worker.submit(ran, c, std::ref(r));
            (done++ == 0 ? one : two) = std::move(f);
        };
        const bool now = one_after_the_other(start, n, how, l, runs, expected);
        if (one.valid()) static_cast<void>(one.wait());
        if (two.valid()) static_cast<void>(two.wait());
        static_cast<void>(worker.call([] { return 0; }).wait());  // the node's last reference is gone
        return now;
    });
    EXPECT_GT(failed, 0);
}

TEST(start_without_memory, C8_1_C19_3_submit_to_a_strand_has_no_effect) {
    const long failed = for_all([](long n, auto how, life_count& l, int& runs, int& expected) {
        bide::loop own;
        bool now = false;
        {
            bide::strand one(own);
            const auto start = [&one](const counted& c, int& r) { static_cast<void>(one.submit(ran, c, std::ref(r))); };
            now = one_after_the_other(start, n, how, l, runs, expected);
            while (runs != expected) own.poll();
        }
        return now;
    });
    EXPECT_GT(failed, 0);
}

TEST(start_without_memory, C4_1_C19_3_to_thread_has_no_effect) {
    const long failed = for_all([](long n, auto how, life_count& l, int& runs, int& expected) {
        bide::threads own({.max = 1});
        const auto blocks = [](counted, int& r) { ++r; };
        const auto start = [&](const counted& c, int& r) { static_cast<void>(own.submit(blocks, c, std::ref(r))); };
        const bool now = one_after_the_other(start, n, how, l, runs, expected);
        own.shutdown();
        return now;
    });
    EXPECT_GT(failed, 0);
}

}  // namespace
