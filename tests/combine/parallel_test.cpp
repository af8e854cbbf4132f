// SPDX-License-Identifier: BSL-1.0
//
// The old name of for_each.hpp: a program that includes it compiles and means the same.
#include <bide/parallel.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace {

TEST(parallel, C10_1_the_old_header_has_the_loops) {
    std::vector<int> numbers{1, 2, 3};
    bide::for_each(numbers, [](int& n) { n *= 2; }).wait();
    EXPECT_EQ(numbers, (std::vector<int>{2, 4, 6}));
    EXPECT_EQ(bide::transform_reduce(numbers, 1, std::plus<>(), [](int n) { return n; }).wait(), 13);
}

}  // namespace
