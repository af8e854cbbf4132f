// SPDX-License-Identifier: BSL-1.0
#include <bide/io/tcp_options.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <cerrno>
#include <optional>
#include <thread>

namespace {

using bide::bytes_of;
using bide::ip_endpoint;
using bide::listen_options;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using bide::text_of;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

class tcp_more : public support::no_leaks {
protected:
    void SetUp() override {
        no_leaks::SetUp();
        tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
        client_ = tcp_stream::connect(at.endpoint()).wait();
        server_ = at.accept().wait();
    }
    void TearDown() override {
        client_ = {};
        server_ = {};
        no_leaks::TearDown();
    }
    tcp_stream client_, server_;
};

template <class S>
int option(const S& s, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(s.native_handle(), level, name, &value, &size), 0);
    return value;
}

TEST_F(tcp_more, C15_30_options_of_a_socket_of_version_6) {
    tcp_listener at;
    const std::error_code refused =
        error_of([&] { at = tcp_listener::listen(ip_endpoint::loopback_v6(0), {.backlog = 2, .only_v6 = true}); });
    if (refused == std::errc::address_family_not_supported || refused == std::errc::address_not_available)
        return;  // the system has no version 6
    ASSERT_FALSE(refused) << refused.message();
    EXPECT_NE(option(at, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    client_ = tcp_stream::connect(at.endpoint()).wait();
    client_.set_hops(9);
    EXPECT_EQ(option(client_, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9);
    EXPECT_EQ(client_.hops(), 9);

    // One end of version 6, and a peer of version 4: what goes there has the option of version 4.
    tcp_listener both = tcp_listener::listen(ip_endpoint::any_v6(0), {.only_v6 = false});
    const tcp_stream by_v4 = tcp_stream::connect(ip_endpoint::loopback(both.endpoint().port())).wait();
    tcp_stream accepted = both.accept().wait();
    accepted.set_hops(5);
    EXPECT_EQ(option(accepted, IPPROTO_IP, IP_TTL), 5);
    EXPECT_EQ(accepted.hops(), 5);
}

TEST_F(tcp_more, C15_30_braces_alone_are_the_default_keep_alive) {
    client_.set_keep_alive({});
    EXPECT_EQ(client_.keep_alive()->idle, bide::keep_alive_options().idle);
    client_.set_keep_alive(std::optional<bide::keep_alive_options>());
    EXPECT_EQ(client_.keep_alive(), std::nullopt);
}

TEST_F(tcp_more, C15_30_options_arrive_and_can_be_asked_for) {
    EXPECT_EQ(client_.keep_alive(), std::nullopt);
    client_.set_keep_alive({.idle = 11s, .interval = 12s, .probes = 3});
    EXPECT_NE(option(client_, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(option(client_, IPPROTO_TCP, TCP_KEEPIDLE), 11);
    EXPECT_EQ(option(client_, IPPROTO_TCP, TCP_KEEPINTVL), 12);
    EXPECT_EQ(option(client_, IPPROTO_TCP, TCP_KEEPCNT), 3);
    const std::optional<bide::keep_alive_options> asked = client_.keep_alive();
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->idle, 11s);
    EXPECT_EQ(asked->interval, 12s);
    EXPECT_EQ(asked->probes, 3);
    client_.set_keep_alive(std::nullopt);
    EXPECT_EQ(option(client_, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(client_.keep_alive(), std::nullopt);
    client_.set_keep_alive(asked);
    EXPECT_TRUE(client_.keep_alive());
    EXPECT_TRUE(client_.no_delay());
    client_.set_no_delay(false);
    EXPECT_EQ(option(client_, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_FALSE(client_.no_delay());
    client_.set_hops(7);
    EXPECT_EQ(option(client_, IPPROTO_IP, IP_TTL), 7);
    EXPECT_EQ(client_.hops(), 7);
    client_.set_send_buffer(20'000);
    client_.set_receive_buffer(30'000);
    EXPECT_EQ(option(client_, SOL_SOCKET, SO_SNDBUF), 40'000);
    EXPECT_EQ(option(client_, SOL_SOCKET, SO_RCVBUF), 60'000);
    EXPECT_EQ(client_.send_buffer(), 40'000);
    EXPECT_EQ(client_.receive_buffer(), 60'000);
    EXPECT_FALSE(client_.reset_on_close());
    client_.set_reset_on_close(true);
    EXPECT_TRUE(client_.reset_on_close());
    client_.set_reset_on_close(false);
    EXPECT_FALSE(client_.reset_on_close());
    client_.set_reset_on_close(true);
    client_.close();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(error_of([&] { server_.read_some(buffer).wait(); }), std::errc::connection_reset);
    EXPECT_EQ(error_of([&] { client_.set_send_buffer(1); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(error_of([&] { static_cast<void>(client_.hops()); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(error_of([&] { static_cast<void>(client_.keep_alive()); }), std::errc::bad_file_descriptor);
    EXPECT_THROW(static_cast<void>(tcp_stream().reset_on_close()), bide::usage_error);
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    at.set_receive_buffer(30'000);
    at.set_send_buffer(20'000);
    EXPECT_EQ(option(at, SOL_SOCKET, SO_RCVBUF), 60'000);
    EXPECT_EQ(at.receive_buffer(), 60'000);
    EXPECT_EQ(at.send_buffer(), 40'000);
    client_ = tcp_stream::connect(at.endpoint()).wait();
    const tcp_stream accepted = at.accept().wait();
    EXPECT_EQ(accepted.receive_buffer(), 60'000);
    EXPECT_EQ(accepted.send_buffer(), 40'000);
}

TEST_F(tcp_more, listeners_share_a_port_when_all_of_them_want_to) {
    tcp_listener first = tcp_listener::listen(ip_endpoint::loopback(0), listen_options{.reuse_port = true});
    const ip_endpoint at = first.endpoint();
    tcp_listener second = tcp_listener::listen(at, listen_options{.reuse_port = true});
    EXPECT_EQ(error_of([&] { static_cast<void>(tcp_listener::listen(at)); }), std::errc::address_in_use);
    int got[2] = {0, 0};
    bide::loop l;
    auto serve = [&](tcp_listener& on, int& n) -> task<> {
        for (;;) {
            const tcp_stream peer = co_await on.accept();
            ++n;
        }
    };
    auto a = l.submit(serve, std::ref(first), std::ref(got[0]));
    auto b = l.submit(serve, std::ref(second), std::ref(got[1]));
    for (int i = 0; i < 100; ++i) {
        const tcp_stream c = tcp_stream::connect(at).wait();
        turn(l, 1);
    }
    while (got[0] + got[1] < 100) l.poll();
    EXPECT_GT(got[0], 0);
    EXPECT_GT(got[1], 0);
    a.stop();
    b.stop();
    l.run();
}

// ---- several buffers ------------------------------------------------------------------------------------------------

TEST_F(tcp_more, C15_12_several_buffers_arrive_as_one) {
    const std::string head = "head|", body = "body", none;
    const std::span<const std::byte> parts[] = {bytes_of(none), bytes_of(head), bytes_of(none), bytes_of(body)};
    bide::write_all_of(client_, parts).wait();
    bide::write_all_of(client_, {}).wait();
    EXPECT_EQ(bide::as_result(bide::write_all_of(client_, parts)).wait().value, 9U);
    std::array<std::byte, 6> first;
    std::array<std::byte, 12> second;
    const std::span<std::byte> into[] = {first, std::span<std::byte>(), second};
    std::size_t got = 0;
    while (got < 18) {  // loopback may give it in two parts
        const std::size_t n = bide::read_some_into(server_, into).wait();
        if (got == 0 && n == 18) {
            EXPECT_EQ(text_of(first), "head|b");
            EXPECT_EQ(text_of(second), "odyhead|body");
        }
        got += n;
    }
    EXPECT_EQ(got, 18U);
    client_.close();
    EXPECT_EQ(bide::read_some_into(server_, into).wait(), 0U);
    EXPECT_EQ(bide::as_result(bide::read_some_into(server_, {})).wait().value, 0U);
    EXPECT_EQ(error_of([&] { bide::write_all_of(client_, parts).wait(); }), std::errc::bad_file_descriptor);
}

TEST_F(tcp_more, C15_12_many_buffers_through_a_small_one) {
    client_.set_send_buffer(4096);
    const std::string all = support::pattern(3'000'000);
    std::vector<std::span<const std::byte>> parts;
    std::size_t at = 0;
    for (std::size_t n = 0; at < all.size(); n = (n + 997) % 50'021) {  // empty ones too
        const std::size_t part = std::min(n, all.size() - at);
        parts.push_back(bytes_of(all).subspan(at, part));
        at += part;
    }
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await bide::write_all_of(client_, parts);
            co_await client_.finish();
        };
        auto read = [&]() -> task<> {
            std::vector<std::byte> a(100), b(10'000);
            const std::span<std::byte> into[] = {a, b};
            for (;;) {
                const std::size_t n = co_await bide::read_some_into(server_, into);
                if (n == 0) co_return;
                const std::size_t in_a = std::min(n, a.size());
                got += text_of(std::span(a).first(in_a));
                got += text_of(std::span(b).first(n - in_a));
            }
        };
        s.start(write);
        s.start(read);
    });
    EXPECT_TRUE(got == all);
}

TEST_F(tcp_more, C15_12_a_cancelled_gather_that_was_cut_refuses_to_go_on) {
    const std::string much = support::pattern(8'000'000);
    const std::span<const std::byte> parts[] = {bytes_of(much), bytes_of(much)};
    bide::loop l;
    auto cut = l.submit([&]() -> task<> { co_await bide::write_all_of(client_, parts); });
    turn(l, 30);
    EXPECT_EQ(cut.status(), bide::future_status::pending);
    cut.stop();
    turn_until(l, cut);
    EXPECT_EQ(bide::as_result(client_.write_all(bytes_of("x"))).wait().error, bide::io_errc::write_cut);
    EXPECT_EQ(bide::as_result(bide::write_all_of(client_, parts)).wait().error, bide::io_errc::write_cut);
}

TEST_F(tcp_more, C15_12_what_was_given_back_is_scattered_first) {
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto read = l.submit([&]() -> task<> { co_await server_.read_exactly(buffer); });
    turn(l, 2);
    client_.write_all(bytes_of("abcde")).wait();
    turn(l, 3);
    read.stop();
    turn_until(l, read);
    std::array<std::byte, 2> a, b, c;
    const std::span<std::byte> into[] = {a, b, c};
    EXPECT_EQ(bide::read_some_into(server_, into).wait(), 5U);
    EXPECT_EQ(text_of(a), "ab");
    EXPECT_EQ(text_of(std::span(c).first(1)), "e");
}

// ---- the large and the slow -----------------------------------------------------------------------------------------

// 100 MB through a send buffer of 4 K, and back: both copies equal the original.
TEST_F(tcp_more, a_hundred_megabytes_through_four_kilobytes) {
    client_.set_send_buffer(4096);
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    const std::string sent = support::pattern(10'000'000);
#else
    const std::string sent = support::pattern(100'000'000);
#endif
    std::size_t same = 0;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await client_.write_all(bytes_of(sent));
            co_await client_.finish();
        };
        auto back = [&]() -> task<> {
            std::vector<std::byte> some(1 << 16);
            for (;;) {
                const std::size_t n = co_await server_.read_some(some);
                if (n == 0) break;
                co_await server_.write_all(std::span<const std::byte>(some).first(n));
            }
            co_await server_.finish();
        };
        auto read = [&]() -> task<> {
            std::vector<std::byte> some(1 << 16);
            for (;;) {
                const std::size_t n = co_await client_.read_some(some);
                if (n == 0) co_return;
                if (text_of(std::span(some).first(n)) != std::string_view(sent).substr(same, n)) co_return;
                same += n;
            }
        };
        s.start(write);
        s.start(back);
        s.start(read);
    });
    EXPECT_EQ(same, sent.size());
}

TEST_F(tcp_more, a_slow_dribble) {
    const std::string sent = support::pattern(20'000);
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            for (std::size_t i = 0; i < sent.size(); ++i) {
                co_await client_.write_all(bytes_of(sent).subspan(i, 1));
                co_await bide::yield_now();
            }
            co_await client_.finish();
        };
        auto read = [&]() -> task<> { got = co_await support::read_to_end(server_); };
        s.start(read);
        s.start(write);
    });
    EXPECT_TRUE(got == sent);
}

// ---- short of descriptors -------------------------------------------------------------------------------------------

task<tcp_stream> accept_one(tcp_listener& at) { co_return co_await bide::accept_patiently(at); }

TEST_F(tcp_more, C15_11_where_no_descriptor_is_left_a_patient_accept_waits_and_does_not_spin) {
    {  // UBSan looks at objects of these types by means of a descriptor, the first time
        tcp_listener other = tcp_listener::listen(ip_endpoint::loopback(0));
        const tcp_stream caller = tcp_stream::connect(other.endpoint()).wait();
        bide::loop l;
        auto accept = l.submit(accept_one, std::ref(other));
        l.run();
    }
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const tcp_stream c = tcp_stream::connect(at.endpoint()).wait();
    bide::loop l;
    auto accept = l.submit(accept_one, std::ref(at));
    static_cast<void>(bide::detail::loop_access::driver_of(l).watcher());  // its descriptors, while there are some
    support::know_system_errors();
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlimit none = limit;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    int busy = 0;
    while (l.poll() && busy < 1000) ++busy;
    const bool sleeps = l.next_deadline().has_value();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_LT(busy, 1000);
    EXPECT_TRUE(sleeps) << "nothing to do but to wait for a timer";
    EXPECT_EQ(accept.status(), bide::future_status::pending);
    l.run();
    EXPECT_EQ(accept.value().peer_endpoint(), c.endpoint());
    at.close();
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::accept_patiently(at).wait()); }), std::errc::bad_file_descriptor);
}

}  // namespace
