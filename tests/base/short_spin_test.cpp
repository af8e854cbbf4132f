// SPDX-License-Identifier: BSL-1.0
//
// detail/base/short_spin.hpp: looking a little longer before a thread sleeps, and giving that up where it does not
// help.
#include <bide/detail/base/short_spin.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace {

using bide::detail::count_processors;
using bide::detail::short_spin;

// How often it looks in that many sleeps, none of which is ended by anybody.
std::vector<bool> tries(short_spin& spin, int sleeps) {
    std::vector<bool> looked;
    for (int i = 0; i < sleeps; ++i) {
        bool asked = false;
        EXPECT_FALSE(spin.look([&] {
            asked = true;
            return false;
        }));
        looked.push_back(asked);
    }
    return looked;
}

TEST(short_spin, at_least_one_processor_is_counted) { EXPECT_GE(count_processors(), 1U); }

TEST(short_spin, where_there_is_one_processor_it_never_looks_and_else_until_somebody_comes) {
    short_spin spin;
    int asked = 0;
    const bool found = spin.look([&] { return ++asked == 5; });
    EXPECT_EQ(found, count_processors() > 1);
    EXPECT_EQ(asked, count_processors() > 1 ? 5 : 0);
}

TEST(short_spin, what_does_not_help_is_tried_more_and_more_rarely_but_never_given_up) {
    if (count_processors() == 1) GTEST_SKIP() << "there is one processor: it never looks";
    short_spin spin;
    const std::vector<bool> looked = tries(spin, 200);
    std::vector<int> at;
    for (int i = 0; i < static_cast<int>(looked.size()); ++i)
        if (looked[static_cast<std::size_t>(i)]) at.push_back(i);
    EXPECT_EQ(at, (std::vector<int>{0, 2, 6, 14, 30, 62, 126, 190}));
}

TEST(short_spin, one_success_brings_it_back) {
    if (count_processors() == 1) GTEST_SKIP() << "there is one processor: it never looks";
    short_spin spin;
    EXPECT_EQ(tries(spin, 2), (std::vector<bool>{true, false}));
    EXPECT_TRUE(spin.look([] { return true; }));
    EXPECT_TRUE(spin.look([] { return true; }));
    EXPECT_EQ(tries(spin, 3), (std::vector<bool>{true, false, true}));
}

// The bound on what is spent, from above by a wide margin: the machine may be busy.
TEST(short_spin, a_look_ends) {
    short_spin spin;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(spin.look([] { return false; }));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
