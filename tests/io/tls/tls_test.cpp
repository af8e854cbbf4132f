// SPDX-License-Identifier: BSL-1.0
// Two ends that are both ours, over a connection in memory, in virtual time. Who lies or breaks the line stands in
// tls_hostile_test.cpp, other people's TLS in tls_counterparts_test.cpp.
#include <bide/io/tcp.hpp>
#include <bide/io/tls.hpp>
#include <bide/scope.hpp>
#include <bide/shield.hpp>
#include <bide/testing/virtual_time.hpp>

#include "support/no_leaks.hpp"
#include "support/tls_pair.hpp"

#include <gtest/gtest.h>
#include <array>
#include <atomic>
#include <optional>
#include <thread>

namespace {

using bide::bytes_of;
using bide::io_errc;
using bide::task;
using bide::text_of;
using bide::tls_context;
using bide::tls_errc;
using bide::tls_options;
using bide::tls_verify_errc;
using bide::tls_version;
using support::byte_pattern;
using support::client_options;
using support::error_of;
using support::handshake_ends;
using support::memory_tls;
using support::our_authority;
using support::read_to_end;
using support::server_options;
using support::shake_hands;
using namespace std::chrono_literals;

static_assert(bide::byte_stream<memory_tls> && bide::byte_stream<bide::tls_stream<memory_tls>>);

// What as_result (2.8) gives for each operation.
template <class Op, class R>
constexpr bool is_coded = bide::detail::has_coded_form<Op> &&
                          std::is_same_v<bide::await_result_t<decltype(bide::as_result(std::declval<Op>()))>, R>;
using count = bide::result<std::size_t>;
static_assert(is_coded<decltype(std::declval<memory_tls&>().read_some({})), count>);
static_assert(is_coded<decltype(std::declval<memory_tls&>().read_exactly({})), count>);
static_assert(is_coded<decltype(std::declval<memory_tls&>().write_some({})), count>);
static_assert(is_coded<decltype(std::declval<memory_tls&>().write_all({})), count>);
static_assert(is_coded<decltype(std::declval<memory_tls&>().finish()), std::error_code>);
static_assert(is_coded<decltype(std::declval<memory_tls&>().update_keys()), std::error_code>);
static_assert(std::is_void_v<bide::await_result_t<decltype(std::declval<memory_tls&>().read_exactly({}))>>);
static_assert(std::is_same_v<bide::await_result_t<decltype(bide::as_result(bide::tls_connect(
                                 std::declval<tls_context>(), std::declval<bide::memory_stream>(), "")))>,
                             bide::result<memory_tls>>);

class tls : public testing::Test {
protected:
    bide::testing::virtual_time time;
};
/// Each version by itself.
class tls_of : public tls, public testing::WithParamInterface<tls_version> {
protected:
    static tls_options clients() {
        tls_options o = client_options();
        o.minimum = o.maximum = GetParam();
        return o;
    }
    static handshake_ends ends(std::size_t capacity = 64 * 1024) {
        handshake_ends e = shake_hands(tls_context::client(clients()), tls_context::server(server_options()),
                                       support::tls_host, capacity);
        EXPECT_EQ(e.client_says, "");
        EXPECT_EQ(e.server_says, "");
        return e;
    }
};
INSTANTIATE_TEST_SUITE_P(versions, tls_of, testing::Values(tls_version::tls_1_2, tls_version::tls_1_3),
                         [](const auto& v) {
                             return std::string(v.param == tls_version::tls_1_2 ? "tls_1_2" : "tls_1_3");
                         });

// ---- what is agreed -----------------------------------------------------------------------------------------------

TEST_P(tls_of, C15_29_both_sides_talk_and_know_what_was_agreed) {
    handshake_ends e = ends();
    e.client_stream.write_all(bytes_of("hello")).wait();
    std::array<std::byte, 5> five;
    e.server_stream.read_exactly(five).wait();
    EXPECT_EQ(text_of(five), "hello");
    EXPECT_EQ(e.server_stream.write_some(bytes_of("bye")).wait(), 3U);
    std::array<std::byte, 64> buffer;
    EXPECT_EQ(e.client_stream.read_some(buffer).wait(), 3U);
    for (memory_tls* s : {&e.client_stream, &e.server_stream}) {
        EXPECT_EQ(s->version(), GetParam());
        EXPECT_NE(s->cipher().find("AES"), std::string::npos) << s->cipher();
        EXPECT_EQ(s->server_name(), "host.example");
        EXPECT_EQ(s->protocol(), "");
        EXPECT_FALSE(s->resumed());
    }
    EXPECT_EQ(e.client_stream.peer_name(), "CN=a test");
    EXPECT_EQ(e.client_stream.peer_certificate(), support::our_certificate().certificate);
    EXPECT_EQ(e.server_stream.peer_name(), "");
    EXPECT_EQ(e.server_stream.peer_certificate(), "");
}

TEST_P(tls_of, C2_8_an_operation_is_consumed_once_and_destroyed_once) {
    handshake_ends e = ends();
    std::array<std::byte, 4> four;
    auto body = [](handshake_ends& of, std::span<std::byte> into) -> task<> {
        const count sent = co_await bide::as_result(of.client_stream.write_all(bytes_of("123456")));
        EXPECT_EQ(sent.value, 6U);
        co_await of.server_stream.read_exactly(into);
        const std::error_code ended = co_await bide::as_result(of.client_stream.finish());
        EXPECT_FALSE(ended);
        auto named = of.server_stream.read_exactly(into);
        const count cut = co_await bide::as_result(std::move(named));
        EXPECT_EQ(cut.error, io_errc::end_of_stream);
        EXPECT_EQ(cut.value, 2U);
        static_cast<void>(of.server_stream.read_some(into));                   // neither is ever awaited
        static_cast<void>(bide::as_result(of.server_stream.read_some(into)));  // likewise
    };
    body(e, four).wait();
    auto once = e.server_stream.read_some(four);
    EXPECT_EQ(once.wait(), 0U);
    EXPECT_THROW(static_cast<void>(once.wait()), bide::usage_error);
}

TEST_F(tls, C2_8_a_handshake_that_fails_is_a_code) {
    auto [client, server] = bide::memory_stream::pair();
    server.close();
    const auto got =
        bide::as_result(bide::tls_connect(tls_context::client(client_options()), std::move(client), "host.example"))
            .wait();
    EXPECT_TRUE(got.error);
    EXPECT_THROW(static_cast<void>(got.value.version()), bide::usage_error) << "there is no connection";
}

TEST_F(tls, without_a_common_version_there_is_no_connection) {
    tls_options old = client_options();
    old.maximum = tls_version::tls_1_2;
    tls_options recent = server_options();
    recent.minimum = tls_version::tls_1_3;
    const handshake_ends e = shake_hands(tls_context::client(old), tls_context::server(recent));
    EXPECT_STREQ(e.server.category().name(), "bide.tls");
    EXPECT_EQ(e.server_says, "tls handshake: unsupported protocol");
    EXPECT_EQ(e.client_says, "tls handshake with host.example: tlsv1 alert protocol version");
}

TEST_F(tls, C15_29_a_protocol_is_agreed_by_the_servers_order) {
    tls_options c = client_options();
    c.protocols = {"http/1.1", "h2", "h3"};
    tls_options s = server_options();
    s.protocols = {"spdy", "h2", "http/1.1"};
    const handshake_ends e = shake_hands(tls_context::client(c), tls_context::server(s));
    EXPECT_EQ(e.client_stream.protocol(), "h2");
    EXPECT_EQ(e.server_stream.protocol(), "h2");
    const handshake_ends no_wish = shake_hands(tls_context::client(client_options()), tls_context::server(s));
    EXPECT_EQ(no_wish.client_stream.protocol(), "");
    s.protocols = {"other"};
    const handshake_ends none = shake_hands(tls_context::client(c), tls_context::server(s));
    EXPECT_TRUE(none.server);
    EXPECT_EQ(none.client_says, "tls handshake with host.example: tlsv1 alert no application protocol");
}

// ---- who is the server --------------------------------------------------------------------------------------------

std::error_code verdict(const support::issued_certificate& shown, const std::string& host = support::tls_host,
                        const tls_options& by = client_options()) {
    const handshake_ends e = shake_hands(tls_context::client(by), tls_context::server(server_options(shown)), host);
    EXPECT_EQ(static_cast<bool>(e.client), static_cast<bool>(e.server)) << e.client_says << " / " << e.server_says;
    return e.client;
}

TEST_F(tls, C15_26_a_certificate_has_to_be_for_the_host) {
    const auto one =
        our_authority().issue("DNS:host.example,DNS:*.wild.example,DNS:p*rt.example,IP:192.0.2.1,IP:2001:db8::1");
    EXPECT_EQ(verdict(one), std::error_code());
    EXPECT_EQ(verdict(one, "HOST.example"), std::error_code());
    EXPECT_EQ(verdict(one, "host.example."), std::error_code());
    EXPECT_EQ(verdict(one, "any.wild.example"), std::error_code());
    EXPECT_EQ(verdict(one, "192.0.2.1"), std::error_code());
    EXPECT_EQ(verdict(one, "2001:db8::1"), std::error_code());
    EXPECT_EQ(verdict(one, "other.example"), tls_verify_errc::hostname_mismatch);
    EXPECT_EQ(verdict(one, "sub.host.example"), tls_verify_errc::hostname_mismatch);
    EXPECT_EQ(verdict(one, "too.deep.wild.example"), tls_verify_errc::hostname_mismatch);
    EXPECT_EQ(verdict(one, "part.example"), tls_verify_errc::hostname_mismatch);
    EXPECT_EQ(verdict(one, "192.0.2.2"), tls_verify_errc::ip_address_mismatch);
    support::certificate_request by_subject;
    by_subject.common_name = "host.example";
    EXPECT_EQ(verdict(our_authority().issue(by_subject)), tls_verify_errc::hostname_mismatch);
}

TEST_F(tls, C15_26_a_certificate_has_to_be_good) {
    support::certificate_request r;
    r.names = "DNS:host.example";
    r.from = -48h, r.until = -1h;
    EXPECT_EQ(verdict(our_authority().issue(r)), tls_verify_errc::expired);
    r.from = 1h, r.until = 24h;
    EXPECT_EQ(verdict(our_authority().issue(r)), tls_verify_errc::not_yet_valid);
    r.from = -1h;
    r.purposes = "clientAuth";
    EXPECT_EQ(verdict(our_authority().issue(r)), tls_verify_errc::wrong_purpose);
    r.purposes = "";
    r.self_signed = true;
    EXPECT_EQ(verdict(our_authority().issue(r)), tls_verify_errc::self_signed);
    const support::authority unknown("somebody");
    const auto theirs = unknown.issue("DNS:host.example");
    EXPECT_EQ(verdict(theirs), tls_verify_errc::unknown_issuer);
    support::issued_certificate with_root = theirs;
    with_root.certificate += unknown.pem();
    EXPECT_EQ(verdict(with_root), tls_verify_errc::self_signed_root);
    const support::authority same_name("our authority");
    EXPECT_TRUE(verdict(same_name.issue("DNS:host.example")));
    tls_options both = client_options();
    both.roots += unknown.pem();
    EXPECT_EQ(verdict(theirs, support::tls_host, both), std::error_code());
}

TEST_F(tls, C15_26_the_systems_roots_do_not_know_ours) {
    EXPECT_EQ(verdict(support::our_certificate(), support::tls_host, tls_options()), tls_verify_errc::unknown_issuer);
    tls_options both = client_options();
    both.also_system_roots = true;
    EXPECT_EQ(verdict(support::our_certificate(), support::tls_host, both), std::error_code());
}

TEST_F(tls, C15_26_the_message_says_whom_and_why) {
    support::certificate_request r;
    r.names = "DNS:host.example";
    r.from = -48h, r.until = -1h;
    const handshake_ends late = shake_hands(tls_context::client(client_options()),
                                            tls_context::server(server_options(our_authority().issue(r))));
    EXPECT_EQ(late.client_says,
              "tls handshake with host.example: the peer's certificate is not accepted: certificate has expired");
    EXPECT_EQ(late.server_says, "tls handshake: sslv3 alert certificate expired");
    const handshake_ends other =
        shake_hands(tls_context::client(client_options()), tls_context::server(server_options()), "other.example");
    EXPECT_EQ(other.client_says,
              "tls handshake with other.example: the peer's certificate is not accepted: hostname mismatch");
    EXPECT_STREQ(other.client.category().name(), "bide.tls.verify");
}

TEST_F(tls, C15_26_verification_can_be_left_out_by_name) {
    tls_options anybody = client_options();
    anybody.verify = false;
    support::certificate_request r;
    r.self_signed = true;
    EXPECT_EQ(verdict(our_authority().issue(r), "whoever.example", anybody), std::error_code());
    EXPECT_EQ(verdict(our_authority().issue(r), "", anybody), std::error_code());
}

// ---- who is the client --------------------------------------------------------------------------------------------

TEST_P(tls_of, a_client_shows_its_certificate) {
    tls_options s = server_options();
    s.clients = bide::client_certificate::required;
    s.roots = our_authority().pem();
    tls_options c = clients();
    support::certificate_request r;
    r.common_name = "a client";
    const auto mine = our_authority().issue(r);
    c.certificates = mine.certificate;
    c.key = mine.key;
    handshake_ends e = shake_hands(tls_context::client(c), tls_context::server(s));
    EXPECT_EQ(e.server_says, "");
    EXPECT_EQ(e.server_stream.peer_name(), "CN=a client");
    EXPECT_EQ(e.server_stream.peer_certificate(), mine.certificate);
}

TEST_P(tls_of, C15_26_a_client_without_one_is_refused_where_one_is_required) {
    tls_options s = server_options();
    s.clients = bide::client_certificate::required;
    s.roots = our_authority().pem();
    handshake_ends e = shake_hands(tls_context::client(clients()), tls_context::server(s));
    EXPECT_EQ(e.server_says, "tls handshake: peer did not return a certificate");
    if (GetParam() == tls_version::tls_1_2) {
        EXPECT_TRUE(e.client);
    } else {  // the client was done before the server looked: it hears of it when it reads
        EXPECT_EQ(e.client_says, "");
        std::array<std::byte, 8> buffer;
        const auto got = bide::as_result(e.client_stream.read_some(buffer)).wait();
        EXPECT_EQ(got.error.message(), "tlsv13 alert certificate required");
        EXPECT_EQ(bide::as_result(e.client_stream.write_all(bytes_of("x"))).wait().error, got.error);
    }
}

TEST_P(tls_of, C15_26_a_client_that_somebody_else_has_signed_is_refused) {
    tls_options s = server_options();
    s.clients = bide::client_certificate::optional;
    s.roots = our_authority().pem();
    EXPECT_EQ(shake_hands(tls_context::client(clients()), tls_context::server(s)).server_says, "");
    const support::authority unknown("somebody");
    tls_options c = clients();
    const auto mine = unknown.issue("");
    c.certificates = mine.certificate;
    c.key = mine.key;
    const handshake_ends e = shake_hands(tls_context::client(c), tls_context::server(s));
    EXPECT_EQ(e.server, tls_verify_errc::unknown_issuer);
}

// ---- sessions -----------------------------------------------------------------------------------------------------

// One exchange, so that the client sees the tickets.
bool resumes(const tls_context& c, const tls_context& s, const std::string& host = support::tls_host) {
    handshake_ends e = shake_hands(c, s, host);
    EXPECT_EQ(e.client_says + e.server_says, "");
    e.server_stream.write_all(bytes_of("x")).wait();
    std::array<std::byte, 1> one;
    e.client_stream.read_exactly(one).wait();
    EXPECT_EQ(e.client_stream.resumed(), e.server_stream.resumed());
    return e.client_stream.resumed();
}

TEST_P(tls_of, C15_29_a_session_goes_on_at_the_next_connection) {
    const tls_context c = tls_context::client(clients());
    const tls_context s = tls_context::server(server_options());
    EXPECT_FALSE(resumes(c, s));
    EXPECT_TRUE(resumes(c, s));
    EXPECT_TRUE(resumes(c, s));
    EXPECT_FALSE(resumes(c, s, "localhost")) << "another host's session";
    EXPECT_FALSE(resumes(c, tls_context::server(server_options()))) << "a server that did not give it";
    EXPECT_FALSE(resumes(tls_context::client(clients()), s)) << "another client";
}

TEST_P(tls_of, and_does_not_where_it_is_not_wanted) {
    tls_options never = clients();
    never.resume = false;
    const tls_context forgetful = tls_context::client(never);
    const tls_context s = tls_context::server(server_options());
    EXPECT_FALSE(resumes(forgetful, s));
    EXPECT_FALSE(resumes(forgetful, s));
    tls_options no_tickets = server_options();
    no_tickets.resume = false;
    const tls_context strict = tls_context::server(no_tickets);
    const tls_context c = tls_context::client(clients());
    EXPECT_FALSE(resumes(c, strict));
    EXPECT_FALSE(resumes(c, strict));
}

TEST_F(tls, C15_29_the_sessions_of_many_hosts_are_bounded) {
    tls_options anybody = client_options();
    anybody.verify = false;
    const tls_context c = tls_context::client(anybody);
    const tls_context s = tls_context::server(server_options());
    EXPECT_FALSE(resumes(c, s, "first.example"));
    for (int i = 0; i < 256; ++i) EXPECT_FALSE(resumes(c, s, "h" + std::to_string(i) + ".example"));
    EXPECT_FALSE(resumes(c, s, "first.example")) << "it should have been forgotten";
    EXPECT_TRUE(resumes(c, s, "h255.example"));
}

// ---- the end ------------------------------------------------------------------------------------------------------

TEST_P(tls_of, C15_27_each_side_ends_by_itself) {
    handshake_ends e = ends();
    e.client_stream.write_all(bytes_of("question")).wait();
    e.client_stream.finish().wait();
    e.client_stream.finish().wait();
    EXPECT_EQ(read_to_end(e.server_stream).wait(), "question");
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(e.server_stream.read_some(buffer).wait(), 0U) << "the end stays the end";
    EXPECT_EQ(bide::as_result(e.client_stream.write_all(bytes_of("more"))).wait().error, std::errc::broken_pipe);
    e.server_stream.write_all(bytes_of("answer")).wait();
    e.server_stream.finish().wait();
    EXPECT_EQ(read_to_end(e.client_stream).wait(), "answer");
}

TEST_P(tls_of, C15_27_an_end_that_nobody_announced_is_an_error) {
    handshake_ends e = ends();
    e.client_stream.write_all(bytes_of("part of it")).wait();
    e.client_stream.below().finish().wait();  // as somebody in between would
    std::array<std::byte, 10> ten;
    e.server_stream.read_exactly(ten).wait();
    EXPECT_EQ(text_of(ten), "part of it");
    for (int i = 0; i < 2; ++i) {
        const auto got = bide::as_result(e.server_stream.read_some(ten)).wait();
        EXPECT_EQ(got.error, tls_errc::truncated);
        EXPECT_EQ(got.value, 0U);
    }
    e.server_stream.write_all(bytes_of("heard")).wait();  // our side may still say so
    e.client_stream.read_exactly(std::span(ten).first(5)).wait();
    EXPECT_EQ(text_of(ten).substr(0, 5), "heard");
}

TEST_P(tls_of, C15_27_read_exactly_tells_the_end_from_the_cut) {
    handshake_ends e = ends();
    e.client_stream.write_all(bytes_of("abc")).wait();
    e.client_stream.finish().wait();
    std::array<std::byte, 8> buffer;
    const auto got = bide::as_result(e.server_stream.read_exactly(buffer)).wait();
    EXPECT_EQ(got.error, io_errc::end_of_stream);
    EXPECT_EQ(got.value, 3U);
}

TEST_P(tls_of, a_peer_that_closes_in_the_handshake_is_named) {
    auto [client, server] = bide::memory_stream::pair();
    server.close();
    EXPECT_EQ(
        error_of([&, &c = client] {
            static_cast<void>(bide::tls_connect(tls_context::client(clients()), std::move(c), "host.example").wait());
        }),
        std::errc::broken_pipe);
    auto [client2, server2] = bide::memory_stream::pair();
    client2.finish().wait();
    try {
        static_cast<void>(bide::tls_accept(tls_context::server(server_options()), std::move(server2)).wait());
        FAIL();
    } catch (const std::system_error& x) {
        EXPECT_EQ(x.code(), tls_errc::handshake_cut);
        EXPECT_STREQ(x.what(), "tls handshake: the connection ended before the handshake was over");
    }
}

// ---- much, both ways, in small pieces -----------------------------------------------------------------------------

void send_both_ways(memory_tls& a, memory_tls& b, std::size_t size) {
    const std::vector<std::byte> sent = byte_pattern(size);
    std::vector<std::byte> got[2] = {std::vector<std::byte>(size), std::vector<std::byte>(size)};
    bide::with_scope([&](bide::scope& s) {
        const auto write = [](memory_tls& to, std::span<const std::byte> all) -> task<> {
            co_await to.write_all(all);
            co_await to.finish();
        };
        const auto read = [](memory_tls& from, std::span<std::byte> to) -> task<> {
            co_await from.read_exactly(to);
            std::array<std::byte, 1> more;
            EXPECT_EQ(co_await from.read_some(more), 0U);
        };
        s.start(write, std::ref(a), std::span<const std::byte>(sent));
        s.start(write, std::ref(b), std::span<const std::byte>(sent));
        s.start(read, std::ref(a), std::span<std::byte>(got[0]));
        s.start(read, std::ref(b), std::span<std::byte>(got[1]));
    });
    EXPECT_TRUE(got[0] == sent);
    EXPECT_TRUE(got[1] == sent);
}

TEST_P(tls_of, much_goes_both_ways_at_once) {
    handshake_ends e = ends();
    send_both_ways(e.client_stream, e.server_stream, 3'000'000);
}

TEST_P(tls_of, through_a_connection_that_holds_a_hundred_bytes) {
    handshake_ends e = ends(100);
    send_both_ways(e.client_stream, e.server_stream, 200'000);
}

TEST_P(tls_of, byte_by_byte) {
    auto [client, server] = bide::memory_stream::pair();
    client.limit_reads(1);
    client.limit_writes(1);
    server.limit_reads(1);
    server.limit_writes(1);
    handshake_ends e = shake_hands(std::move(client), std::move(server), tls_context::client(clients()),
                                   tls_context::server(server_options()));
    ASSERT_EQ(e.client_says + e.server_says, "");
    send_both_ways(e.client_stream, e.server_stream, 30'000);
}

TEST_P(tls_of, nothing_takes_no_time) {
    handshake_ends e = ends();
    EXPECT_EQ(e.client_stream.read_some(std::span<std::byte>()).wait(), 0U);
    EXPECT_EQ(e.client_stream.write_some(std::span<const std::byte>()).wait(), 0U);
    e.client_stream.write_all(std::span<const std::byte>()).wait();
    e.client_stream.read_exactly(std::span<std::byte>()).wait();
}

TEST_F(tls, C15_28_keys_change_under_way) {
    handshake_ends e = shake_hands(tls_context::client(client_options()), tls_context::server(server_options()));
    const std::vector<std::byte> sent = byte_pattern(300'000);
    bide::with_scope([&](bide::scope& s) {
        const auto write = [](memory_tls& to, std::span<const std::byte> all) -> task<> {
            while (!all.empty()) {
                const auto part = all.first(std::min<std::size_t>(all.size(), 7'000));
                co_await to.write_all(part);
                co_await to.update_keys();
                all = all.subspan(part.size());
            }
            co_await to.finish();
        };
        const auto read = [](memory_tls& from, std::span<const std::byte> wanted) -> task<> {
            std::vector<std::byte> got(wanted.size());
            co_await from.read_exactly(got);
            EXPECT_TRUE(std::equal(got.begin(), got.end(), wanted.begin()));
        };
        for (memory_tls* side : {&e.client_stream, &e.server_stream}) {
            s.start(write, std::ref(*side), std::span<const std::byte>(sent));
            s.start(read, std::ref(*side), std::span<const std::byte>(sent));
        }
    });
    tls_options old = client_options();
    old.maximum = tls_version::tls_1_2;
    handshake_ends old_ends = shake_hands(tls_context::client(old), tls_context::server(server_options()));
    EXPECT_TRUE(error_of([&] { old_ends.client_stream.update_keys().wait(); }));
    old_ends.client_stream.write_all(bytes_of("it goes on")).wait();
}

TEST_F(tls, over_tls) {
    const tls_context c = tls_context::client(client_options());
    const tls_context s = tls_context::server(server_options());
    handshake_ends outer = shake_hands(c, s);
    auto server = bide::tls_accept(s, std::move(outer.server_stream));
    auto client = bide::tls_connect(c, std::move(outer.client_stream), "localhost");
    auto [a, b] = bide::when_all(std::move(client), std::move(server)).wait();
    a.write_all(bytes_of("twice wrapped")).wait();
    a.finish().wait();
    EXPECT_EQ(read_to_end(b).wait(), "twice wrapped");
}

// ---- stopping -----------------------------------------------------------------------------------------------------

TEST_P(tls_of, C15_27_a_cancelled_read_has_taken_nothing) {
    handshake_ends e = ends();
    std::array<std::byte, 6> six;
    e.client_stream.write_all(bytes_of("abc")).wait();
    EXPECT_THROW(bide::with_timeout(1s, e.server_stream.read_exactly(six)).wait(), bide::timed_out);
    EXPECT_THROW(bide::with_timeout(1s, e.server_stream.read_exactly(six)).wait(), bide::timed_out);
    e.client_stream.write_all(bytes_of("def")).wait();
    e.server_stream.read_exactly(six).wait();
    EXPECT_EQ(text_of(six), "abcdef");
    EXPECT_THROW(bide::with_timeout(1s, e.server_stream.read_some(six)).wait(), bide::timed_out);
    e.client_stream.finish().wait();
    EXPECT_EQ(e.server_stream.read_some(six).wait(), 0U);
}

TEST_P(tls_of, C15_27_a_cancelled_write_cuts_the_stream) {
    handshake_ends e = ends(1000);
    const std::vector<std::byte> much = byte_pattern(100'000);
    EXPECT_THROW(bide::with_timeout(1s, e.client_stream.write_all(much)).wait(), bide::timed_out);
    EXPECT_EQ(bide::as_result(e.client_stream.write_all(bytes_of("x"))).wait().error, io_errc::write_cut);
    EXPECT_EQ(bide::as_result(e.client_stream.write_some(bytes_of("x"))).wait().error, io_errc::write_cut);
    EXPECT_EQ(bide::as_result(e.client_stream.finish()).wait(), io_errc::write_cut);
    e.server_stream.write_all(bytes_of("reading goes on")).wait();
    std::array<std::byte, 15> buffer;
    e.client_stream.read_exactly(buffer).wait();
    e.client_stream.close();
    std::vector<std::byte> all(much.size());
    const auto got = bide::as_result(e.server_stream.read_exactly(all)).wait();
    EXPECT_EQ(got.error, tls_errc::truncated);
}

TEST_P(tls_of, a_write_that_was_stopped_before_it_began_has_not_happened) {
    handshake_ends e = ends();
    EXPECT_THROW(bide::with_timeout(0s, e.client_stream.write_all(bytes_of("never"))).wait(), bide::timed_out);
    EXPECT_THROW(bide::with_timeout(0s, e.client_stream.write_some(bytes_of("never"))).wait(), bide::timed_out);
    e.client_stream.write_all(bytes_of("only this")).wait();
    e.client_stream.finish().wait();
    EXPECT_EQ(read_to_end(e.server_stream).wait(), "only this");
}

TEST_P(tls_of, a_cancelled_end_may_be_said_again) {
    handshake_ends e = ends(10);
    EXPECT_THROW(bide::with_timeout(1s, e.client_stream.finish()).wait(), bide::timed_out);
    bide::with_scope([&](bide::scope& s) {
        s.start([](memory_tls& c) -> task<> { co_await c.finish(); }, std::ref(e.client_stream));
        s.start([](memory_tls& c) -> task<> { EXPECT_EQ(co_await read_to_end(c), ""); }, std::ref(e.server_stream));
    });
}

// Stopped after k turns of the loop, for every k until it comes to its end.
TEST_P(tls_of, stopped_at_every_step) {
    const tls_context c = tls_context::client(clients());
    const tls_context s = tls_context::server(server_options());
    const auto whole = [](const tls_context& cc, const tls_context& sc) -> task<> {
        auto [client, server] = bide::memory_stream::pair(300);
        const auto serve = [](const tls_context& with, bide::memory_stream below) -> task<> {
            memory_tls peer = co_await bide::tls_accept(with, std::move(below));
            std::array<std::byte, 100> buffer;
            while (const std::size_t n = co_await peer.read_some(buffer))
                co_await peer.write_all(std::span<const std::byte>(buffer).first(n));
            co_await peer.finish();
        };
        const auto ask = [](const tls_context& with, bide::memory_stream below) -> task<> {
            memory_tls peer = co_await bide::tls_connect(with, std::move(below), support::tls_host);
            const std::vector<std::byte> sent = byte_pattern(1000);
            std::vector<std::byte> got(sent.size());
            const auto write = [](memory_tls& to, std::span<const std::byte> all) -> task<> {
                co_await to.write_all(all);
                co_await to.finish();
            };
            co_await bide::when_all(write(peer, sent), peer.read_exactly(got));
            EXPECT_TRUE(got == sent);
            EXPECT_EQ(co_await peer.read_some(got), 0U);
        };
        co_await bide::when_all(serve(sc, std::move(server)), ask(cc, std::move(client)));
    };
    int steps = 0;
    for (bool ended = false; !ended; ++steps) {
        ASSERT_LT(steps, 20'000);
        bide::loop l;
        auto f = l.submit(whole, std::cref(c), std::cref(s));
        for (int i = 0; i < steps && f.status() == bide::future_status::pending; ++i) l.poll();
        ended = f.status() == bide::future_status::succeeded;
        f.stop();
        support::turn_until(l, f);
        ASSERT_NE(f.status(), bide::future_status::failed) << bide::describe(f.state().failure());
    }
    EXPECT_GT(steps, 20);
}

// A reader is stopped again and again while the keys change: nothing is lost in either direction.
TEST_F(tls, a_reader_that_is_stopped_all_the_time_loses_nothing) {
    handshake_ends e = shake_hands(tls_context::client(client_options()), tls_context::server(server_options()),
                                   support::tls_host, 64);
    const std::vector<std::byte> sent = byte_pattern(20'000);
    std::vector<std::byte> got[2];
    bide::with_scope([&](bide::scope& s) {
        const auto write = [](memory_tls& to, std::span<const std::byte> all) -> task<> {
            for (std::size_t at = 0; at < all.size(); at += 500) {
                co_await to.write_all(all.subspan(at, 500));
                if (at % 2000 == 0) co_await to.update_keys();
                co_await bide::sleep_for(3ms);
            }
            co_await to.finish();
        };
        const auto read = [](memory_tls& from, std::vector<std::byte>& to) -> task<> {
            for (bool over = false; !over;) {
                std::array<std::byte, 700> buffer;
                try {
                    const auto got_now = co_await bide::with_timeout(1ms, bide::as_result(from.read_exactly(buffer)));
                    to.insert(to.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got_now.value));
                    over = got_now.error == io_errc::end_of_stream;
                    EXPECT_TRUE(over || got_now.ok()) << got_now.error.message();
                } catch (const bide::timed_out&) {}
            }
        };
        s.start(write, std::ref(e.client_stream), std::span<const std::byte>(sent));
        s.start(write, std::ref(e.server_stream), std::span<const std::byte>(sent));
        s.start(read, std::ref(e.client_stream), std::ref(got[0]));
        s.start(read, std::ref(e.server_stream), std::ref(got[1]));
    });
    EXPECT_TRUE(got[0] == sent);
    EXPECT_TRUE(got[1] == sent);
}

// ---- closing, moving, misuse --------------------------------------------------------------------------------------

TEST_F(tls, C15_6_closing_ends_what_is_pending_with_an_error) {
    handshake_ends e = shake_hands(tls_context::client(client_options()), tls_context::server(server_options()));
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto doomed = std::make_unique<memory_tls>(std::move(e.client_stream));
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await doomed->read_some(buffer); });
    l.poll();
    l.poll();
    doomed.reset();
    l.run();
    EXPECT_EQ(error_of([&] { read.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(bide::as_result(e.server_stream.read_some(buffer)).wait().error, tls_errc::truncated);
    handshake_ends other = shake_hands(tls_context::client(client_options()), tls_context::server(server_options()));
    other.client_stream.close();
    other.client_stream.close();
    EXPECT_EQ(bide::as_result(other.client_stream.write_all(bytes_of("x"))).wait().error,
              std::errc::bad_file_descriptor);
    EXPECT_EQ(bide::as_result(other.client_stream.read_some(buffer)).wait().error, std::errc::bad_file_descriptor);
}

TEST_F(tls, C15_5_another_reader_or_writer_at_the_same_time_is_refused) {
    handshake_ends e = shake_hands(tls_context::client(client_options()), tls_context::server(server_options()),
                                   support::tls_host, 100);
    const std::vector<std::byte> much = byte_pattern(10'000);
    std::array<std::byte, 8> buffer;
    bide::loop l;
    auto first = l.submit([&]() -> task<> { co_await e.client_stream.read_exactly(buffer); });
    auto second = l.submit([&]() -> task<std::size_t> { co_return co_await e.client_stream.read_some(buffer); });
    auto writer = l.submit([&]() -> task<> { co_await e.client_stream.write_all(much); });
    auto another = l.submit([&]() -> task<> { co_await e.client_stream.write_all(much); });
    auto end = l.submit([&]() -> task<> { co_await e.client_stream.finish(); });
    for (int i = 0; i < 50; ++i) l.poll();
    EXPECT_THROW(second.value(), bide::usage_error);
    EXPECT_THROW(another.value(), bide::usage_error);
    EXPECT_THROW(end.value(), bide::usage_error);
    EXPECT_EQ(first.status(), bide::future_status::pending);
    EXPECT_EQ(writer.status(), bide::future_status::pending);
    first.stop();
    writer.stop();
    l.run();
}

TEST_F(tls, mistakes_are_named) {
    memory_tls nobody;
    std::array<std::byte, 8> buffer;
    EXPECT_THROW(static_cast<void>(nobody.read_some(buffer)), bide::usage_error);
    EXPECT_THROW(static_cast<void>(nobody.version()), bide::usage_error);
    nobody.close();
    const tls_context c = tls_context::client(client_options());
    const tls_context s = tls_context::server(server_options());
    const auto end = [] { return bide::memory_stream::pair().first; };
    EXPECT_THROW(static_cast<void>(bide::tls_connect(s, end(), "host.example").wait()), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::tls_accept(c, end()).wait()), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::tls_connect(c, end(), "").wait()), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::tls_connect(c, end(), std::string("a\0b", 3)).wait()), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(bide::tls_connect(c, end(), std::string(300, 'a')).wait()), std::invalid_argument);
}

TEST_F(tls, C15_27_a_handshake_has_the_limit_that_it_is_given) {
    auto [client, server] = bide::memory_stream::pair();
    const tls_context c = tls_context::client(client_options());
    EXPECT_THROW(
        static_cast<void>(bide::with_timeout(5s, bide::tls_connect(c, std::move(client), "host.example")).wait()),
        bide::timed_out);
    EXPECT_EQ(time.elapsed(), 5s);
    std::vector<std::byte> hello(5000);
    static_cast<void>(server.read_some(hello).wait());
    EXPECT_EQ(server.read_some(hello).wait(), 0U) << "the connection was not closed";
}

// ---- over tcp, on threads -----------------------------------------------------------------------------------------

class tls_over_tcp : public support::no_leaks {};

TEST_F(tls_over_tcp, C15_29_one_context_serves_many_threads) {
    bide::tcp_listener at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
    const tls_context c = tls_context::client(client_options());
    const tls_context s = tls_context::server(server_options());
    constexpr int threads_of_each = 3;
    constexpr int rounds = 15;
    std::atomic<int> right{0};
    std::mutex accepting;
    std::vector<std::thread> all;
    for (int t = 0; t < threads_of_each; ++t) {
        all.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                bide::tcp_stream below;
                {
                    const std::lock_guard one_acceptor(accepting);
                    below = at.accept().wait();
                }
                auto peer = bide::tls_accept(s, std::move(below)).wait();
                const std::string text = read_to_end(peer).wait();
                peer.write_all(bytes_of(text)).wait();
                peer.finish().wait();
            }
        });
        all.emplace_back([&, t] {
            for (int i = 0; i < rounds; ++i) {
                auto below = bide::tcp_stream::connect(at.endpoint()).wait();
                auto peer = bide::tls_connect(c, std::move(below), "127.0.0.1").wait();
                const std::string text(static_cast<std::size_t>(20'000 + t), static_cast<char>('a' + i));
                peer.write_all(bytes_of(text)).wait();
                peer.finish().wait();
                right += read_to_end(peer).wait() == text ? 1 : 0;
            }
        });
    }
    for (std::thread& t : all) t.join();
    EXPECT_EQ(right, threads_of_each * rounds);
}

TEST_F(tls_over_tcp, reader_and_writer_on_different_threads) {
    bide::tcp_listener at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
    auto connecting = bide::tls_connect(tls_context::client(client_options()),
                                        bide::tcp_stream::connect(at.endpoint()).wait(), "localhost");
    auto accepting = bide::tls_accept(tls_context::server(server_options()), at.accept().wait());
    auto [client, server] = bide::when_all(std::move(connecting), std::move(accepting)).wait();
    const std::vector<std::byte> sent = byte_pattern(3'000'000);
    std::vector<std::byte> got[2] = {std::vector<std::byte>(sent.size()), std::vector<std::byte>(sent.size())};
    std::vector<std::thread> threads;
    auto* const a = &client;
    auto* const b = &server;
    threads.emplace_back([&sent, a] {
        for (std::size_t i = 0; i < sent.size(); i += 500'000) {
            a->write_all(std::span(sent).subspan(i, 500'000)).wait();
            a->update_keys().wait();
        }
    });
    threads.emplace_back([&got, a] { a->read_exactly(got[0]).wait(); });
    threads.emplace_back([&sent, b] { b->write_all(sent).wait(); });
    threads.emplace_back([&got, b] { b->read_exactly(got[1]).wait(); });
    for (std::thread& t : threads) t.join();
    EXPECT_TRUE(got[0] == sent);
    EXPECT_TRUE(got[1] == sent);
}

/// Its peer takes what it gets for the end, and has gone when ours is to be told: shutdown() is ENOTCONN then.
class peer_has_gone {
public:
    explicit peer_has_gone(bide::memory_stream s) : in_(std::move(s)) {}
    auto read_some(std::span<std::byte> to) { return in_.read_some(to); }
    auto write_some(std::span<const std::byte> from) { return in_.write_some(from); }
    static task<> finish() {
        throw std::system_error(std::make_error_code(std::errc::not_connected));
        co_return;
    }
    void close() noexcept { in_.close(); }

private:
    bide::memory_stream in_;
};

TEST_F(tls, the_end_was_said_when_the_peer_has_answered_it_by_going) {
    auto [below, other] = bide::memory_stream::pair();
    const auto ours = bide::tls_context::client(support::client_options());
    const auto theirs = bide::tls_context::server(support::server_options());
    auto [client, server] = bide::when_all(bide::tls_connect(ours, peer_has_gone(std::move(below)), support::tls_host),
                                           bide::tls_accept(theirs, std::move(other)))
                                .wait();
    EXPECT_EQ(bide::as_result(client.finish()).wait(), std::error_code());
    std::array<std::byte, 8> to{};
    EXPECT_EQ(server.read_some(to).wait(), 0U);
}

}  // namespace
