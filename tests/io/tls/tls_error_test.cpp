// SPDX-License-Identifier: BSL-1.0
#include <bide/io/tls_error.hpp>

#include <gtest/gtest.h>

#include <string>
#include <system_error>

namespace {

TEST(tls_error, errors_have_names) {
    EXPECT_EQ(make_error_code(bide::tls_errc::truncated).message(),
              "the stream ended without the peer saying so: something may be missing");
    EXPECT_EQ(make_error_code(bide::tls_verify_errc::expired).message(), "certificate has expired");
    EXPECT_EQ(std::error_code(77'777, bide::tls_category()).message(), "unknown error");
}

TEST(tls_error, a_code_of_one_category_is_no_code_of_the_other) {
    const std::error_code cut = bide::tls_errc::handshake_cut;
    EXPECT_EQ(cut.category(), bide::tls_category());
    EXPECT_STREQ(cut.category().name(), "bide.tls");
    EXPECT_EQ(cut.message(), "the connection ended before the handshake was over");
    const std::error_code verify = bide::tls_verify_errc::hostname_mismatch;
    EXPECT_EQ(verify.category(), bide::tls_verify_category());
    EXPECT_STREQ(verify.category().name(), "bide.tls.verify");
    EXPECT_NE(verify, std::error_code(verify.value(), bide::tls_category()));
}

}  // namespace
