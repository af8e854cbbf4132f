// SPDX-License-Identifier: BSL-1.0
//
// All scenarios in one process, one after the other: nothing of one is left for the next, and the sum.
#include "swept.hpp"

#include <cstdio>

namespace swept {
namespace {

TEST(sweep, C6_5_C9_5_C9_6_all_scenarios_one_after_the_other) {
    tally sum;
    for (const auto& list : {of_tasks(), of_sync(), of_the_outside()})
        for (const scenario& s : list) {
            SCOPED_TRACE(s.name);
            s.run(sum);
        }
    EXPECT_GE(sum.scenarios, 20u);
    EXPECT_EQ(sum.leaked, 0u);
    std::printf("swept: %zu scenarios, %zu cancellation points, %zu leaked\n", sum.scenarios, sum.points, sum.leaked);
}

}  // namespace
}  // namespace swept
