// SPDX-License-Identifier: BSL-1.0
#include <bide/io/tls_context.hpp>

#include <bide/testing/virtual_time.hpp>

#include "support/program.hpp"
#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

namespace {

using bide::tls_context;
using bide::tls_options;
using support::error_of;
using support::our_authority;
using support::our_certificate;
using support::server_options;

std::string refusal(const tls_options& o) {
    try {
        static_cast<void>(tls_context::server(o));
    } catch (const std::exception& e) {
        return e.what();
    }
    return "";
}

TEST(tls_context, from_files) {
    const support::temporary_directory at;
    const auto chain = at.file("chain.pem", our_certificate().certificate);
    const auto key = at.file("key.pem", our_certificate().key);
    const auto both = at.file("both.pem", our_certificate().key + our_certificate().certificate);
    const tls_context server = tls_context::server(chain, key);
    const tls_context from_one = tls_context::server(both, both);
    tls_options o;
    o.load_roots(at.file("roots.pem", "any text before\n" + our_authority().pem()));
    const bide::testing::virtual_time time;
    EXPECT_EQ(support::shake_hands(tls_context::client(o), server).client_says, "");
    EXPECT_EQ(support::shake_hands(tls_context::client(o), from_one).client_says, "");
}

TEST(tls_context, a_file_that_cannot_be_read_is_the_systems_error) {
    tls_options o;
    try {
        o.load_roots("/nowhere/roots.pem");
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
        EXPECT_NE(std::string(e.what()).find("/nowhere/roots.pem"), std::string::npos);
    }
    EXPECT_EQ(error_of([&] { o.load_identity("/nowhere/a", "/nowhere/b"); }), std::errc::no_such_file_or_directory);
    EXPECT_EQ(error_of([&] { o.load_roots("/"); }), std::errc::is_a_directory);
}

TEST(tls_context, C15_29_what_makes_no_sense_is_refused_in_openssls_words) {
    tls_options o = server_options();
    o.certificates = "no certificate at all";
    EXPECT_EQ(refusal(o), "tls certificates: no start line");
    o = server_options();
    o.certificates[100] = '!';
    EXPECT_EQ(refusal(o).substr(0, 18), "tls certificates: ");
    o = server_options();
    o.key = "no key";
    EXPECT_EQ(refusal(o).substr(0, 9), "tls key: ");
    o = server_options();
    o.key = our_authority().issue("DNS:other.example").key;
    EXPECT_EQ(refusal(o).substr(0, 25), "tls certificate and key: ");
    o = server_options();
    o.roots = "rubbish";
    EXPECT_EQ(refusal(o), "tls roots: no start line");
}

TEST(tls_context, a_locked_key_needs_its_password) {
    tls_options o = server_options();
    o.key = support::authority::locked(o.key, "secret");
    EXPECT_NE(refusal(o), "") << "without one nobody is asked";
    o.key_password = "wrong";
    EXPECT_NE(refusal(o), "");
    o.key_password = "secret";
    EXPECT_EQ(refusal(o), "");
}

TEST(tls_context, C15_29_options_that_contradict_each_other_are_refused) {
    EXPECT_THROW(static_cast<void>(tls_context::server(tls_options())), std::invalid_argument);
    tls_options o = server_options();
    o.key.clear();
    EXPECT_THROW(static_cast<void>(tls_context::client(o)), std::invalid_argument);
    o = server_options();
    o.minimum = bide::tls_version::tls_1_3;
    o.maximum = bide::tls_version::tls_1_2;
    EXPECT_THROW(static_cast<void>(tls_context::server(o)), std::invalid_argument);
    o = server_options();
    o.clients = bide::client_certificate::required;
    EXPECT_THROW(static_cast<void>(tls_context::server(o)), std::invalid_argument) << "whose clients?";
    o = server_options();
    o.protocols = {""};
    EXPECT_THROW(static_cast<void>(tls_context::server(o)), std::invalid_argument);
    o.protocols = {std::string(256, 'x')};
    EXPECT_THROW(static_cast<void>(tls_context::server(o)), std::invalid_argument);
}

}  // namespace
