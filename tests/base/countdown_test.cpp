// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/base/countdown.hpp>

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using bide::detail::countdown;

TEST(countdown, only_the_last_one_is_told) {
    countdown left(1);
    EXPECT_TRUE(left.is_last());
    left.add();
    left.add_alone();
    EXPECT_FALSE(left.is_last());
    EXPECT_FALSE(left.take_off());
    EXPECT_FALSE(left.take_off_cheaply());
    EXPECT_TRUE(left.is_last());
    EXPECT_TRUE(left.take_off());
    left.set(2);
    left.take_off_alone();
    EXPECT_TRUE(left.take_off_cheaply());
}

// What each thread wrote before it took off its part is there for the last one: the sanitizer for threads looks.
TEST(countdown, the_last_one_sees_what_all_did) {
    constexpr std::uint32_t parts = 4;
    for (int round = 0; round < 100; ++round) {
        countdown left(parts);
        int done[parts] = {};
        int sum = 0;
        std::vector<std::thread> threads;
        for (int& mine : done)
            threads.emplace_back([&] {
                mine = 1;
                if (left.take_off())
                    for (const int d : done) sum += d;
            });
        for (std::thread& t : threads) t.join();
        EXPECT_EQ(sum, static_cast<int>(parts));
    }
}

}  // namespace
