// SPDX-License-Identifier: BSL-1.0
#include <bide/io/udp.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <optional>

namespace {

using bide::bytes_of;
using bide::datagram;
using bide::ip_endpoint;
using bide::task;
using bide::text_of;
using bide::udp_socket;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

class udp : public support::no_leaks {};

TEST_F(udp, C15_15_there_and_back) {
    for (const bool v6 : {false, true}) {
        const ip_endpoint any = v6 ? ip_endpoint::loopback_v6(0) : ip_endpoint::loopback(0);
        std::optional<udp_socket> server;
        const std::error_code refused = error_of([&] { server = udp_socket::bind(any); });
        if (refused == std::errc::address_family_not_supported || refused == std::errc::address_not_available)
            continue;  // the system has no version 6
        ASSERT_FALSE(refused) << refused.message();
        udp_socket client = udp_socket::open_like(any);
        client.send_to(bytes_of("question"), server->endpoint()).wait();
        std::array<std::byte, 64> buffer;
        const datagram d = server->receive_from(buffer).wait();
        EXPECT_EQ(text_of(std::span(buffer).first(d.size)), "question");
        EXPECT_FALSE(d.truncated());
        EXPECT_EQ(d.from.port(), client.endpoint().port());
        server->send_to(bytes_of("answer"), d.from).wait();
        EXPECT_EQ(client.receive_from(buffer).wait().from, server->endpoint());
    }
}

TEST_F(udp, C15_15_a_datagram_that_does_not_fit_says_so) {
    udp_socket server = udp_socket::bind(ip_endpoint::loopback(0));
    udp_socket client = udp_socket::open_like(ip_endpoint());
    client.send_to(bytes_of("0123456789"), server.endpoint()).wait();
    client.send_to({}, server.endpoint()).wait();
    client.send_to(bytes_of("next"), server.endpoint()).wait();
    std::array<std::byte, 4> four;
    datagram d = server.receive_from(four).wait();
    EXPECT_TRUE(d.truncated());
    EXPECT_EQ(d.size, 4U);
    EXPECT_EQ(d.full_size, 10U);
    EXPECT_EQ(text_of(four), "0123");
    d = server.receive_from(four).wait();
    EXPECT_EQ(d.size, 0U) << "one of no bytes is one too";
    EXPECT_FALSE(d.truncated());
    d = server.receive_from(four).wait();
    EXPECT_EQ(text_of(four), "next");
    EXPECT_FALSE(d.truncated());
}

TEST_F(udp, C15_15_too_big_is_an_error) {
    udp_socket client = udp_socket::open_like(ip_endpoint());
    const std::string big(70'000, 'x');
    EXPECT_EQ(bide::as_result(client.send_to(bytes_of(big), ip_endpoint::loopback(9))).wait(), std::errc::message_size);
    EXPECT_EQ(error_of([&] { client.send_to(bytes_of(big), ip_endpoint::loopback(9)).wait(); }),
              std::errc::message_size);
}

TEST_F(udp, C15_15_a_connected_socket_hears_its_peer_alone_and_its_refusal) {
    udp_socket server = udp_socket::bind(ip_endpoint::loopback(0));
    udp_socket stranger = udp_socket::bind(ip_endpoint::loopback(0));
    udp_socket client = udp_socket::open_like(ip_endpoint());
    client.connect(server.endpoint());
    EXPECT_EQ(client.peer_endpoint(), server.endpoint());
    stranger.send_to(bytes_of("spam"), client.endpoint()).wait();
    server.send_to(bytes_of("right"), client.endpoint()).wait();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(client.receive_from(buffer).wait().from, server.endpoint());
    server.close();
    client.send(bytes_of("anybody?")).wait();
    EXPECT_EQ(bide::as_result(client.receive_from(buffer)).wait().error, std::errc::connection_refused);
}

TEST_F(udp, C15_3_a_cancelled_receive_takes_nothing) {
    udp_socket server = udp_socket::bind(ip_endpoint::loopback(0));
    udp_socket client = udp_socket::open_like(ip_endpoint());
    std::array<std::byte, 8> buffer;
    bide::loop l;
    auto receive = [&]() -> task<std::size_t> { co_return (co_await server.receive_from(buffer)).size; };
    auto waiting = l.submit(receive);
    turn(l, 3);
    client.send_to(bytes_of("kept"), server.endpoint()).wait();
    waiting.stop();
    turn_until(l, waiting);
    EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
    auto next = l.submit(receive);
    turn_until(l, next);
    EXPECT_EQ(next.value(), 4U);
    EXPECT_THROW(bide::with_timeout(1ms, server.receive_from(buffer)).wait(), bide::timed_out);
}

TEST_F(udp, C15_6_closing_ends_what_is_pending) {
    udp_socket server = udp_socket::bind(ip_endpoint::loopback(0));
    std::array<std::byte, 8> buffer;
    bide::loop l;
    auto waiting = l.submit([&]() -> task<> { static_cast<void>(co_await server.receive_from(buffer)); });
    turn(l, 3);
    server.close();
    l.run();
    EXPECT_EQ(error_of([&] { waiting.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(bide::as_result(server.receive_from(buffer)).wait().error, std::errc::bad_file_descriptor);
    EXPECT_THROW(udp_socket().receive_from(buffer).wait(), bide::usage_error);
}

TEST_F(udp, C15_5_another_receiver_is_refused) {
    udp_socket server = udp_socket::bind(ip_endpoint::loopback(0));
    std::array<std::byte, 8> buffer;
    bide::loop l;
    auto receive = [&]() -> task<> { static_cast<void>(co_await server.receive_from(buffer)); };
    auto first = l.submit(receive);
    auto second = l.submit(receive);
    turn_until(l, second);
    EXPECT_THROW(second.value(), bide::usage_error);
    first.stop();
    l.run();
}

TEST_F(udp, what_is_sent_to_a_group_comes_to_its_members) {
    const ip_endpoint here = ip_endpoint::loopback(0);
    udp_socket member = udp_socket::bind(ip_endpoint::any(0), bide::udp_options{.reuse_address = true});
    const ip_endpoint group = ip_endpoint::parse("239.255.77.1", member.endpoint().port());
    udp_socket other = udp_socket::bind(ip_endpoint::any(group.port()), bide::udp_options{.reuse_address = true});
    member.join(group, here);
    other.join(group, here);
    udp_socket sender = udp_socket::open_like(here);
    sender.set_multicast_interface(here);
    sender.set_multicast_loop(true);
    sender.set_multicast_hops(0);
    sender.send_to(bytes_of("all"), group).wait();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(bide::with_timeout(20s, member.receive_from(buffer)).wait().size, 3U);
    EXPECT_EQ(bide::with_timeout(20s, other.receive_from(buffer)).wait().size, 3U);
    member.leave(group, here);
    EXPECT_EQ(error_of([&] { member.leave(group, here); }), std::errc::address_not_available);
    EXPECT_EQ(error_of([&] { member.join(ip_endpoint::loopback(1), here); }), std::errc::invalid_argument);
}

TEST_F(udp, C15_30_options_arrive_and_can_be_asked_for) {
    for (const bool v6 : {false, true}) {
        udp_socket s;
        const std::error_code refused = error_of([&] {
            s = udp_socket::bind(v6 ? ip_endpoint::loopback_v6(0) : ip_endpoint::loopback(0),
                                 bide::udp_options{.reuse_port = true, .only_v6 = v6});
        });
        if (refused == std::errc::address_family_not_supported || refused == std::errc::address_not_available)
            continue;  // the system has no version 6
        ASSERT_FALSE(refused) << refused.message();
        if (v6) {
            int only_v6 = 0;
            socklen_t size = sizeof only_v6;
            ASSERT_EQ(::getsockopt(s.native_handle(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size), 0);
            EXPECT_NE(only_v6, 0);
        }
        s.set_send_buffer(20'000);
        s.set_receive_buffer(30'000);
        EXPECT_EQ(s.send_buffer(), 40'000);  // the system doubles them
        EXPECT_EQ(s.receive_buffer(), 60'000);
        s.set_hops(7);
        s.set_multicast_hops(3);
        EXPECT_EQ(s.hops(), 7);
        EXPECT_EQ(s.multicast_hops(), 3);
        EXPECT_TRUE(s.multicast_loop());
        s.set_multicast_loop(false);
        EXPECT_FALSE(s.multicast_loop());
        EXPECT_FALSE(s.broadcast());
        s.set_broadcast(true);
        EXPECT_TRUE(s.broadcast());
        s.close();
        EXPECT_EQ(error_of([&] { s.set_hops(1); }), std::errc::bad_file_descriptor);
        EXPECT_EQ(error_of([&] { static_cast<void>(s.broadcast()); }), std::errc::bad_file_descriptor);
    }
}

TEST_F(udp, a_port_that_is_taken_is_refused_unless_it_is_shared) {
    udp_socket first = udp_socket::bind(ip_endpoint::loopback(0));
    EXPECT_EQ(error_of([&] { static_cast<void>(udp_socket::bind(first.endpoint())); }), std::errc::address_in_use);
    udp_socket shared = udp_socket::bind(ip_endpoint::loopback(0), bide::udp_options{.reuse_port = true});
    static_cast<void>(udp_socket::bind(shared.endpoint(), bide::udp_options{.reuse_port = true}));
}

TEST_F(udp, many_in_both_directions_at_once) {
    udp_socket a = udp_socket::bind(ip_endpoint::loopback(0));
    udp_socket b = udp_socket::bind(ip_endpoint::loopback(0));
    int echoed = 0;
    bide::with_scope([&](bide::scope& s) {
        auto echo = [&]() -> task<> {
            std::array<std::byte, 16> buffer;
            for (int i = 0; i < 2000; ++i) {
                const datagram d = co_await b.receive_from(buffer);
                co_await b.send_to(std::span<const std::byte>(buffer).first(d.size), d.from);
            }
        };
        auto ask = [&]() -> task<> {
            std::array<std::byte, 16> buffer;
            for (int i = 0; i < 2000; ++i) {
                const std::string text = std::to_string(i);
                co_await a.send_to(bytes_of(text), b.endpoint());
                const datagram d = co_await a.receive_from(buffer);
                echoed += text_of(std::span(buffer).first(d.size)) == text;
            }
        };
        s.start(echo);
        s.start(ask);
    });
    EXPECT_EQ(echoed, 2000);
}

}  // namespace
