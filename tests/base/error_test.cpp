// SPDX-License-Identifier: BSL-1.0
#include <bide/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace {

TEST(error, C2_4_cancelled_is_not_a_std_exception) {
    static_assert(!std::is_base_of_v<std::exception, bide::cancelled>);
    bool swallowed = true;
    try {
        try {
            throw bide::cancelled(bide::stop_reason::deadline);
        } catch (const std::exception&) {
            swallowed = true;
        }
    } catch (const bide::cancelled& c) {
        swallowed = false;
        EXPECT_EQ(c.reason(), bide::stop_reason::deadline);
    }
    EXPECT_FALSE(swallowed);
}

TEST(error, C6_5_every_reason_has_a_word_of_its_own) {
    using enum bide::stop_reason;
    std::vector<std::string> words;
    for (const auto why : {none, user, sibling_failed, deadline, scope_end, shutdown}) {
        const std::string word = bide::to_string(why);
        EXPECT_EQ(std::count(words.begin(), words.end(), word), 0) << word;
        EXPECT_NE(word, "unknown");
        EXPECT_EQ(word, bide::cancelled(why).what());
        words.push_back(word);
    }
}

TEST(error, C17_1_mistakes_of_the_program_are_one_family) {
    static_assert(std::is_base_of_v<bide::usage_error, bide::would_deadlock>);
    static_assert(std::is_base_of_v<bide::usage_error, bide::not_ready>);
    static_assert(std::is_base_of_v<bide::usage_error, bide::not_running>);
    static_assert(std::is_base_of_v<bide::usage_error, bide::scope_closed>);
    static_assert(std::is_base_of_v<bide::usage_error, bide::broken_promise>);
    static_assert(std::is_base_of_v<std::logic_error, bide::usage_error>);
    // What the world or a deadline does is none of the program's mistakes.
    static_assert(!std::is_base_of_v<bide::usage_error, bide::timed_out>);
    static_assert(!std::is_base_of_v<bide::usage_error, bide::limit_reached>);
    // Each of these says what to do instead.
    EXPECT_NE(std::string(bide::not_ready().what()).find("wait()"), std::string::npos);
    EXPECT_NE(std::string(bide::scope_closed().what()).find("start before the end"), std::string::npos);
    EXPECT_NE(std::string(bide::broken_promise().what()).find("set_value"), std::string::npos);
}

TEST(error, C17_1_describe_says_what_any_exception_says) {
    EXPECT_EQ(bide::describe(std::make_exception_ptr(std::runtime_error("lost"))), "lost");
    EXPECT_EQ(bide::describe(std::make_exception_ptr(bide::cancelled(bide::stop_reason::scope_end))),
              "cancelled: the scope ended");
    EXPECT_EQ(bide::describe(std::make_exception_ptr(7)), "an exception that is not a std::exception");
    EXPECT_EQ(bide::describe(nullptr), "no error");
}

TEST(error, C3_6_a_group_holds_its_errors_in_order_and_says_them_all) {
    const bide::exception_group group(
        {std::make_exception_ptr(std::runtime_error("first")), std::make_exception_ptr(std::logic_error("second"))});
    ASSERT_EQ(group.errors().size(), 2U);
    EXPECT_THROW(std::rethrow_exception(group.errors()[0]), std::runtime_error);
    EXPECT_THROW(std::rethrow_exception(group.errors()[1]), std::logic_error);
    const std::string text = group.what();
    EXPECT_NE(text.find("2 tasks"), std::string::npos) << text;
    EXPECT_LT(text.find("first"), text.find("second")) << text;
}

TEST(error, C3_4_unfinished_tasks_names_each_place) {
    const bide::unfinished_tasks e({"a.cpp:3 in f", "b.cpp:4 in g"});
    EXPECT_EQ(e.places(), (std::vector<std::string>{"a.cpp:3 in f", "b.cpp:4 in g"}));
    const std::string text = e.what();
    EXPECT_NE(text.find("a.cpp:3"), std::string::npos);
    EXPECT_NE(text.find("b.cpp:4"), std::string::npos);
}

}  // namespace
