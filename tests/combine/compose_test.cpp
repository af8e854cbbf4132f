// SPDX-License-Identifier: BSL-1.0
//
// The old name of builders.hpp: a program that includes it compiles and means the same.
#include <bide/compose.hpp>

#include <gtest/gtest.h>

#include <tuple>

namespace {

bide::task<int> three() { co_return 3; }

TEST(compose, C5_4_the_old_header_has_the_builders) {
    EXPECT_EQ(bide::parallel().add(three).add([] { return 4; }).wait(), std::tuple(3, 4));
    EXPECT_EQ(bide::serial().add(three).wait(), std::tuple(3));
}

}  // namespace
