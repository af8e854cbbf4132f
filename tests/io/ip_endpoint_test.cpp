// SPDX-License-Identifier: BSL-1.0
#include <bide/io/ip_endpoint.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <stdexcept>

namespace {

using bide::ip_endpoint;

TEST(ip_endpoint, reads_what_it_writes) {
    for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.1.2.3:65535", "[::1]:443", "[2001:db8::ff]:1", "[::]:0"})
        EXPECT_EQ(ip_endpoint::parse(text).to_string(), text);
    const ip_endpoint link_local = ip_endpoint::parse("fe80::1%lo", 5);
    EXPECT_EQ(link_local.to_string(), "[fe80::1%lo]:5");
    EXPECT_TRUE(link_local.is_v6());
}

TEST(ip_endpoint, knows_localhost) {
    EXPECT_EQ(ip_endpoint::parse("localhost:8080"), ip_endpoint::loopback(8080));
    EXPECT_EQ(ip_endpoint::parse("localhost", 1).to_string(), "127.0.0.1:1");
}

TEST(ip_endpoint, has_names_for_the_usual_ones) {
    EXPECT_EQ(ip_endpoint().to_string(), "0.0.0.0:0");
    EXPECT_EQ(ip_endpoint::any(7), ip_endpoint::parse("0.0.0.0:7"));
    EXPECT_EQ(ip_endpoint::any_v6(7), ip_endpoint::parse("[::]:7"));
    EXPECT_EQ(ip_endpoint::loopback_v6(7), ip_endpoint::parse("[::1]:7"));
    EXPECT_NE(ip_endpoint::loopback(7), ip_endpoint::loopback(8));
    EXPECT_NE(ip_endpoint::any(7), ip_endpoint::any_v6(7));
}

TEST(ip_endpoint, refuses_everything_else_and_says_what_it_was_given) {
    for (const char* text :
         {"", ":", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o", "127.0.0.1: 80",
          "127.0.0.256:1", "127.0.0:1", "::1:80", "[::1:80", "[127.0.0.1]:80", "[]:1", "example.org:80",
          "[fe80::1%no-such-interface]:1", "1.2.3.4%lo:1"}) {
        try {
            const ip_endpoint read = ip_endpoint::parse(text);
            FAIL() << text << " was read as " << read.to_string();
        } catch (const std::invalid_argument& e) {
            EXPECT_NE(std::string(e.what()).find("not an IP address"), std::string::npos) << e.what();
        }
    }
    try {
        static_cast<void>(ip_endpoint::parse("example.org", 80));
        FAIL();
    } catch (const std::invalid_argument& e) {
        EXPECT_NE(std::string(e.what()).find("example.org"), std::string::npos) << e.what();
    }
    EXPECT_THROW(static_cast<void>(ip_endpoint::parse(std::string_view("127.0.0.1\0x", 11), 1)), std::invalid_argument);
}

TEST(ip_endpoint, is_the_same_after_a_way_through_the_system) {
    for (const char* text : {"127.0.0.1:80", "[2001:db8::ff]:1", "[fe80::1%lo]:5"}) {
        sockaddr_storage native{};
        const ip_endpoint there = ip_endpoint::parse(text);
        EXPECT_GT(there.to_native(native), 0U);
        EXPECT_EQ(ip_endpoint::from_native(native), there) << text;
    }
}

}  // namespace
