// SPDX-License-Identifier: BSL-1.0
//
// local_endpoint: names of local sockets, for people and for the system.
#include <bide/io/local_endpoint.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>

namespace {

using bide::local_endpoint;

constexpr std::size_t head = offsetof(sockaddr_un, sun_path);

local_endpoint there_and_back(const local_endpoint& e) {
    sockaddr_un address{};
    const unsigned size = e.to_native(address);
    EXPECT_EQ(address.sun_family, AF_UNIX);
    EXPECT_LE(size, sizeof address);
    return local_endpoint::from_native(address, size);
}

std::string why_not(const std::string& path) {
    try {
        static_cast<void>(local_endpoint::path(path));
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "taken";
}

TEST(local_endpoint, a_name_is_a_path_or_abstract_or_none) {
    EXPECT_EQ(local_endpoint::path("/tmp/a").to_string(), "/tmp/a");
    EXPECT_EQ(local_endpoint::abstract("x").to_string(), "@x");
    EXPECT_EQ(local_endpoint().to_string(), "(unnamed)");
    EXPECT_FALSE(local_endpoint::path("x") == local_endpoint::abstract("x"));
    EXPECT_THROW(static_cast<void>(local_endpoint::path("")), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(local_endpoint::path(std::string(108, 'x'))), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(local_endpoint::path(std::string("a\0b", 3))), std::invalid_argument);
    static_cast<void>(local_endpoint::abstract(std::string("a\0b", 3)));
}

TEST(local_endpoint, says_which_of_them_it_is) {
    EXPECT_TRUE(local_endpoint::path("x").is_path());
    EXPECT_FALSE(local_endpoint::path("x").is_abstract());
    EXPECT_TRUE(local_endpoint::abstract("x").is_abstract());
    EXPECT_FALSE(local_endpoint::abstract("x").is_path());
    EXPECT_FALSE(local_endpoint().is_path());
    EXPECT_FALSE(local_endpoint().is_abstract());
    EXPECT_EQ(local_endpoint::abstract("x").name(), "x");
    EXPECT_EQ(local_endpoint().name(), "");
    EXPECT_EQ(local_endpoint(), local_endpoint());
    EXPECT_NE(local_endpoint::path("x"), local_endpoint::path("y"));
}

TEST(local_endpoint, the_system_gives_back_what_it_was_given) {
    const std::string longest(107, 'x');
    for (const local_endpoint& e :
         {local_endpoint(), local_endpoint::path("a"), local_endpoint::path("/run/app/control"),
          local_endpoint::path(longest), local_endpoint::abstract("a"), local_endpoint::abstract(longest),
          local_endpoint::abstract(std::string("a\0b", 3)), local_endpoint::abstract(std::string("\0", 1))})
        EXPECT_EQ(there_and_back(e), e) << e.to_string();
}

TEST(local_endpoint, the_system_gets_a_paths_zero_and_an_abstract_names_length) {
    sockaddr_un address{};
    EXPECT_EQ(local_endpoint::path("abc").to_native(address), head + 4);
    EXPECT_STREQ(address.sun_path, "abc");
    EXPECT_EQ(local_endpoint::abstract("abc").to_native(address), head + 4);
    EXPECT_EQ(std::memcmp(address.sun_path, "\0abc", 4), 0);
    EXPECT_EQ(local_endpoint().to_native(address), head);
}

TEST(local_endpoint, a_path_that_fills_the_systems_array_has_no_zero) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memset(address.sun_path, 'x', sizeof address.sun_path);
    const local_endpoint e = local_endpoint::from_native(address, sizeof address);
    EXPECT_TRUE(e.is_path());
    EXPECT_EQ(e.name(), std::string(sizeof address.sun_path, 'x'));
}

TEST(local_endpoint, a_refusal_says_what_is_wrong) {
    EXPECT_EQ(why_not("x"), "taken");
    EXPECT_NE(why_not("").find("empty"), std::string::npos);
    EXPECT_NE(why_not(std::string(108, 'x')).find("107"), std::string::npos);
    EXPECT_NE(why_not(std::string("a\0b", 3)).find("zero"), std::string::npos);
}

}  // namespace
