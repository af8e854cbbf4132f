// SPDX-License-Identifier: BSL-1.0
//
// io/error.hpp: io_errc and its category, and that both forms of an operation tell the same.
#include <bide/io/error.hpp>

#include <bide/io/memory_stream.hpp>
#include <bide/io/stream.hpp>
#include <bide/task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <system_error>

namespace {

using bide::io_errc;

constexpr std::array every_code{io_errc::end_of_stream, io_errc::write_cut, io_errc::too_much};

TEST(io_error, every_code_has_a_text_of_its_own) {
    std::set<std::string> texts;
    for (const io_errc e : every_code) texts.insert(std::error_code(e).message());
    EXPECT_EQ(texts.size(), every_code.size());
    EXPECT_EQ(texts.count(""), 0u);
    EXPECT_EQ(texts.count("unknown error"), 0u);
    EXPECT_EQ(std::error_code(io_errc::end_of_stream).message(),
              "the peer ended the stream before everything had arrived");
}

TEST(io_error, a_number_that_is_no_code_is_unknown) {
    EXPECT_EQ(bide::io_category().message(0), "unknown error");
    EXPECT_EQ(bide::io_category().message(4711), "unknown error");
}

TEST(io_error, codes_are_errors_in_a_category_of_their_own) {
    EXPECT_STREQ(bide::io_category().name(), "bide.io");
    for (const io_errc e : every_code) {
        const std::error_code code = e;
        EXPECT_TRUE(code) << code;  // none is 0, which would be no error
        EXPECT_EQ(&code.category(), &bide::io_category());
        EXPECT_EQ(code, make_error_code(e));
        EXPECT_NE(code, std::error_code(static_cast<int>(e), std::system_category()));
        EXPECT_NE(code, std::error_code(static_cast<int>(e), std::generic_category()));
    }
}

TEST(io_error, C15_1_C15_2_both_forms_tell_the_same) {
    auto [a, b] = bide::memory_stream::pair();
    a.write_all(bide::bytes_of("abc")).wait();
    a.close();
    std::array<std::byte, 4> buffer{};
    const auto got = bide::as_result(b.read_exactly(buffer)).wait();
    EXPECT_EQ(got.error, io_errc::end_of_stream);
    EXPECT_EQ(got.value, 3u);
    try {
        b.read_exactly(buffer).wait();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), io_errc::end_of_stream);
        EXPECT_NE(std::string(e.what()).find("the peer ended the stream"), std::string::npos) << e.what();
    }
}

}  // namespace
