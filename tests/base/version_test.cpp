// SPDX-License-Identifier: BSL-1.0
#include <bide/version.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

TEST(version, C19_7_library_and_headers_agree) {
    EXPECT_TRUE(bide::version_matches());
    EXPECT_EQ(bide::version_number(), BIDE_VERSION_MAJOR * 1'000'000 + BIDE_VERSION_MINOR * 1'000 + BIDE_VERSION_PATCH);
}

TEST(version, C19_7_text_is_the_three_numbers) {
    EXPECT_EQ(bide::version(), std::to_string(BIDE_VERSION_MAJOR) + "." + std::to_string(BIDE_VERSION_MINOR) + "." +
                                   std::to_string(BIDE_VERSION_PATCH));
}

}  // namespace
