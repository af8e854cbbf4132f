// SPDX-License-Identifier: BSL-1.0
//
// How many threads computing work gets: one is added when no job has begun for 20 ms, and on a machine that is busy
// with other things none may have: ./run timing is a cell of its own, and ctest runs nothing beside it.
#include <bide/threads.hpp>

#include "support/threads.hpp"
#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

TEST(threads_timing, C4_3_computing_work_does_not_multiply_threads) {
    const support::watchdog guard;
    bide::threads t;  // up to 64
    std::atomic<int> most{0};
    std::vector<bide::future<>> all;
    for (int i = 0; i < 400; ++i)
        all.push_back(t.submit([&] {
            const auto begun = support::processor_time();
            while (support::processor_time() - begun < 500us) {}
            const int now = t.counts().threads;
            if (now > most.load()) most = now;
        }));
    for (auto& f : all) f.wait();
    // On a machine that others load too, some are added because none had begun for 20 ms.
    EXPECT_LE(most.load(), 2 * static_cast<int>(std::thread::hardware_concurrency()) + 12);
}

}  // namespace
