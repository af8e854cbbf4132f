// SPDX-License-Identifier: BSL-1.0
//
// detail/kernel/frame.hpp: the free lists in which frames are kept, per thread, and the way home of those freed
// elsewhere.
#include <bide/detail/kernel/frame.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <set>
#include <thread>
#include <vector>

namespace {

using bide::detail::frame_alloc;
using bide::detail::frame_blocks_are_kept;
using bide::detail::frame_free;
using bide::detail::frames_alive;

constexpr std::size_t bytes = 100;

std::vector<void*> make(std::size_t n) {
    std::vector<void*> frames;
    for (std::size_t i = 0; i < n; ++i) frames.push_back(frame_alloc(bytes));
    return frames;
}
void free_all(const std::vector<void*>& frames) {
    for (void* f : frames) frame_free(f, bytes);
}
void on_another_thread(void (*f)(const std::vector<void*>&), const std::vector<void*>& frames) {
    std::thread(f, std::cref(frames)).join();
}

TEST(frame_pool, what_was_freed_is_taken_again) {
    const long before = frames_alive();
    void* first = frame_alloc(bytes);
    frame_free(first, bytes);
    void* second = frame_alloc(bytes);
    if (frame_blocks_are_kept()) {
        EXPECT_EQ(first, second);
    }
    frame_free(second, bytes);
    EXPECT_EQ(frames_alive(), before);
}

// One thread makes frames, another frees them: without a way home each would cost a malloc for ever.
TEST(frame_pool, C19_4_blocks_freed_on_another_thread_come_home) {
    const long before = frames_alive();
    const std::vector<void*> made = make(1000);
    on_another_thread(&free_all, made);
    const std::vector<void*> again = make(1000);
    if (frame_blocks_are_kept()) {
        EXPECT_EQ(std::set<void*>(made.begin(), made.end()), std::set<void*>(again.begin(), again.end()));
    }
    free_all(again);
    EXPECT_EQ(frames_alive(), before);
}

TEST(frame_pool, C19_4_blocks_outlive_the_thread_that_made_them) {
    const long before = frames_alive();
    for (int round = 0; round < 3; ++round) {  // the home is taken over by the next thread
        std::vector<void*> made;
        std::thread([&] { made = make(500); }).join();
        for (void* f : made) static_cast<std::byte*>(f)[bytes - 1] = std::byte{1};
        free_all(made);
        on_another_thread(&free_all, make(500));
    }
    EXPECT_EQ(frames_alive(), before);
}

TEST(frame_pool, many_threads_free_each_others_blocks) {
    const long before = frames_alive();
    constexpr std::size_t threads = 4;
    std::vector<std::vector<void*>> made(threads);
    for (int round = 0; round < 20; ++round) {
        std::vector<std::thread> makers;
        for (std::size_t i = 0; i < threads; ++i)
            makers.emplace_back([&made, i] {
                free_all(made[i]);  // another thread's, of the round before
                made[i] = make(300);
                for (void* f : made[i]) *static_cast<std::size_t*>(f) = i;
            });
        for (std::thread& t : makers) t.join();
        for (std::size_t i = 0; i < threads; ++i) {
            for (void* f : made[i]) EXPECT_EQ(*static_cast<std::size_t*>(f), i);  // nobody else has it
        }
        std::swap(made[0], made[threads - 1]);
    }
    for (const std::vector<void*>& frames : made) free_all(frames);
    EXPECT_EQ(frames_alive(), before);
}

TEST(frame_pool, large_frames_and_all_sizes) {
    const long before = frames_alive();
    for (std::size_t n = 1; n < 3000; n += 7) {
        auto* frame = static_cast<std::byte*>(frame_alloc(n));
        for (std::size_t i = 0; i < n; ++i) frame[i] = std::byte{0xa5};  // ASan: all of it is ours
        frame_free(frame, n);
    }
    EXPECT_EQ(frames_alive(), before);
}

// In a process of its own: the decision is made once.
TEST(frame_pool_death, C19_4_can_be_switched_off_for_valgrind) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            ::setenv("BIDE_FRAME_POOL", "0", 1);  // NOLINT(concurrency-mt-unsafe): this process has one thread
            const long before = frames_alive();
            void* frame = frame_alloc(bytes);
            const bool counted = frames_alive() == before + 1;  // only what is not kept is counted
            frame_free(frame, bytes);
            std::_Exit(!frame_blocks_are_kept() && counted ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
