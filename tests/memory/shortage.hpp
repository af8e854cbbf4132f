// SPDX-License-Identifier: BSL-1.0
//
// An operation, with each of its allocations failing in turn. Every run is on a thread of its own, whose free lists are
// empty, so that what usually comes from them is allocated too.
#pragma once

#include "failing_new.hpp"
#include "support/census.hpp"
#include "support/lives.hpp"

#include <bide/detail/kernel/frame.hpp>
#include <bide/error.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <exception>
#include <new>
#include <semaphore>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace memory {

/// What reaches the hook while it lives, counted: a hook that allocates would be short of memory itself.
class hook_count {
public:
    hook_count() : before_(bide::set_unhandled_error_hook([](std::exception_ptr, const char*) { ++all(); })) {
        all() = 0;
    }
    hook_count(const hook_count&) = delete;
    hook_count& operator=(const hook_count&) = delete;
    ~hook_count() { bide::set_unhandled_error_hook(before_); }
    static std::atomic<long>& all() {
        static std::atomic<long> n{0};
        return n;
    }

private:
    bide::unhandled_error_hook before_;
};

/// Is it bad_alloc, or several failures that all are? Also: a thread that could not be made.
inline bool is_shortage(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (const std::system_error& failure) {
        return failure.code() == std::errc::resource_unavailable_try_again;
    } catch (const bide::exception_group& g) {
        for (const std::exception_ptr& one : g.errors())
            if (!is_shortage(one)) return false;
        return true;
    } catch (...) {
        return false;
    }
}

/// What is made once and stays, whenever luck would have it: homes for free lists, which outlive their threads (as many
/// as there were threads at one time); and the graph of waits, when the first one sleeps that has somebody to wait for.
inline void make_what_stays() {
    constexpr int threads = 8;
    std::barrier all_have_one(threads);
    std::vector<std::thread> at_once;
    for (int i = 0; i < threads; ++i)
        at_once.emplace_back([&all_have_one] {
            bide::detail::frame_free(bide::detail::frame_alloc(100), 100);
            all_have_one.arrive_and_wait();
        });
    for (std::thread& t : at_once) t.join();

    std::binary_semaphore may_end{0};
    const auto job = bide::to_thread([&] { may_end.acquire(); });
    try {
        bide::with_timeout(std::chrono::milliseconds(1), job).wait();
        ADD_FAILURE() << "it could not have ended";
    } catch (const bide::timed_out&) {}
    may_end.release();
    job.wait();
}

struct swept {
    long allocations = 0;
    long failed = 0;  // runs that ended with bad_alloc
};

/// op(life_count&): succeeds, or throws bad_alloc and leaves nothing behind.
template <class Op>
swept fail_each_allocation(Op op, shortage how) {
    const hook_count lost;
    make_what_stays();
    swept result;
    long before = 0;
    long frames = 0;
    const long tasks = support::census::tasks_alive();
    for (long n = -2;; ++n) {  // three runs without a failure first: what is made once is there then
        support::life_count lives;
        bool failed = false;
        std::exception_ptr end;
        std::thread([&] {
            const short_at armed(n > 0 ? n : 0, how);
            try {
                op(lives);
            } catch (...) {
                end = std::current_exception();
            }
            failed = armed.failed();
        }).join();
        const bool bad = end && !is_shortage(end);
        const std::string what = bad ? bide::describe(end) : std::string();
        EXPECT_FALSE(bad) << "allocation " << n << ": " << what;
        if (end) ++result.failed;
        end = nullptr;
        bide::shutdown();
        EXPECT_EQ(lives.alive, 0) << "allocation " << n;
        EXPECT_EQ(support::census::tasks_alive(), tasks) << "allocation " << n;
        if (n == 0) {
            before = blocks();
            frames = bide::detail::frames_alive();
        }
        if (n <= 0) continue;
        const long left = blocks() - before;
        const long framed = bide::detail::frames_alive() - frames;
        EXPECT_EQ(left, 0) << "allocation " << n;
        EXPECT_EQ(framed, 0) << "allocation " << n;
        if (!failed) break;
        ++result.allocations;
        if (::testing::Test::HasFailure()) break;
    }
    return result;
}

}  // namespace memory
