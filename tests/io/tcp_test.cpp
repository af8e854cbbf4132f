// SPDX-License-Identifier: BSL-1.0
// Real sockets on loopback. Nothing sleeps: threads meet by futures, and loops are turned by hand where it matters.
#include "support/io.hpp"
#include "support/no_leaks.hpp"
#include "support/own_executor.hpp"
#include "support/tcp_pair.hpp"

#include <bide/io/tcp.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::bytes_of;
using bide::ip_endpoint;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using bide::text_of;
using support::byte_pattern;
using support::error_of;
using pair = support::tcp_pair;
using support::open_descriptors;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

void small_buffer(const tcp_stream& from) {
    const int little = 4096;
    ASSERT_EQ(::setsockopt(from.native_handle(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
}
/// A tenth of a second, or until the system says that there is room again: it moves bytes to the other side later, too
/// (delayed acknowledgements, window probes).
void look_again(const tcp_stream& s) {
    pollfd p{s.native_handle(), POLLOUT, 0};
    ::poll(&p, 1, 100);
}
/// Fills everything between the two ends: the next write has to wait. How much that took.
std::size_t stuff(const tcp_stream& s) {
    const std::vector<std::byte> junk(1 << 16, std::byte{'x'});
    std::size_t all = 0;
    for (int silent = 0; silent < 3;) {
        const ssize_t n = ::send(s.native_handle(), junk.data(), junk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            all += static_cast<std::size_t>(n), silent = 0;
        else
            ++silent, look_again(s);
    }
    return all;
}
void reset_on_close(const tcp_stream& s) {
    const linger now{1, 0};
    ASSERT_EQ(::setsockopt(s.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
}

task<std::string> read_to_end(tcp_stream& from) {
    std::string all;
    std::array<std::byte, 512> buffer;
    while (const std::size_t n = co_await from.read_some(buffer)) all += text_of(std::span(buffer).first(n));
    co_return all;
}
task<> echo(tcp_stream peer) {
    std::array<std::byte, 4096> buffer;
    while (const std::size_t n = co_await peer.read_some(buffer))
        co_await peer.write_all(std::span<const std::byte>(buffer).first(n));
}
class tcp : public support::no_leaks {};

// ---- addresses, connecting, accepting -----------------------------------------------------------------------------

TEST_F(tcp, C15_11_a_listener_on_port_0_says_where_it_listens) {
    const tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    EXPECT_TRUE(at.is_open());
    EXPECT_NE(at.endpoint().port(), 0);
    EXPECT_EQ(at.endpoint().address(), "127.0.0.1");
    tcp_listener other;
    EXPECT_FALSE(other.is_open());
}

TEST_F(tcp, both_ends_know_each_other) {
    const pair p;
    EXPECT_EQ(p.client.endpoint(), p.server.peer_endpoint());
    EXPECT_EQ(p.client.peer_endpoint(), p.server.endpoint());
    EXPECT_NE(::fcntl(p.client.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(p.server.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(p.client.native_handle(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(p.server.native_handle(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(tcp, version_6_works_where_the_system_has_it) {
    const std::error_code refused = error_of([] {
        tcp_listener at = tcp_listener::listen(ip_endpoint::loopback_v6(0));
        tcp_stream client = tcp_stream::connect(at.endpoint()).wait();
        tcp_stream server = at.accept().wait();
        EXPECT_TRUE(server.peer_endpoint().is_v6());
        client.write_all(bytes_of("six")).wait();
        client.finish().wait();
        EXPECT_EQ(read_to_end(server).wait(), "six");
    });
    if (refused) {
        EXPECT_TRUE(refused == std::errc::address_not_available || refused == std::errc::address_family_not_supported)
            << refused.message();
    }
}

TEST_F(tcp, C15_2_a_taken_port_is_refused_by_name) {
    const tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    try {
        const tcp_listener again = tcp_listener::listen(at.endpoint());
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::address_in_use);
        EXPECT_NE(std::string(e.what()).find(at.endpoint().to_string()), std::string::npos) << e.what();
    }
}

TEST_F(tcp, C15_2_nobody_there_is_connection_refused_by_name) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const ip_endpoint nobody = at.endpoint();
    at.close();
    try {
        tcp_stream::connect(nobody).wait();
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::connection_refused);
        EXPECT_NE(std::string(e.what()).find(nobody.to_string()), std::string::npos) << e.what();
    }
    const auto tried = bide::as_result(tcp_stream::connect(nobody)).wait();
    EXPECT_EQ(tried.error, std::errc::connection_refused);
    EXPECT_FALSE(tried.ok());
    EXPECT_FALSE(tried.value.is_open());
}

TEST_F(tcp, C15_11_where_no_descriptor_is_left_accept_fails_and_the_connection_waits) {
    support::know_system_errors();
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const tcp_stream client = tcp_stream::connect(at.endpoint()).wait();
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlimit none = limit;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto first = bide::as_result(at.accept()).wait();
    const std::error_code second = error_of([&] { at.accept().wait(); });
    const auto connected = bide::as_result(tcp_stream::connect(at.endpoint())).wait();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(first.error, std::errc::too_many_files_open);
    EXPECT_EQ(second, std::errc::too_many_files_open);
    EXPECT_EQ(connected.error, std::errc::too_many_files_open);
    EXPECT_EQ(at.accept().wait().peer_endpoint(), client.endpoint());
}

TEST_F(tcp, C15_11_a_connection_that_was_reset_before_it_was_accepted_harms_nobody) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    {
        const tcp_stream gone = tcp_stream::connect(at.endpoint()).wait();
        reset_on_close(gone);
    }
    tcp_stream client = tcp_stream::connect(at.endpoint()).wait();
    client.write_all(bytes_of("here")).wait();
    client.finish().wait();
    tcp_stream first = at.accept().wait();  // the system may hand over the dead one too
    std::array<std::byte, 8> buffer;
    const auto got = bide::as_result(first.read_some(buffer)).wait();
    if (got.ok()) {
        EXPECT_EQ(text_of(std::span(buffer).first(got.value)), "here");
    } else {
        EXPECT_EQ(got.error, std::errc::connection_reset);
        tcp_stream second = at.accept().wait();
        EXPECT_EQ(read_to_end(second).wait(), "here");
    }
}

TEST_F(tcp, two_hundred_connections_at_once) {
    constexpr int many = 200;
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    int right = 0;
    bide::with_scope([&](bide::scope& s) {
        auto serve = [](tcp_listener& l, bide::scope_ref in) -> task<> {
            for (int i = 0; i < many; ++i) {
                tcp_stream peer = co_await l.accept();
                in.start(echo, std::move(peer));
            }
        };
        auto ask = [&right](ip_endpoint to, int i) -> task<> {
            tcp_stream c = co_await tcp_stream::connect(to);
            const std::string question = "question " + std::to_string(i);
            co_await c.write_all(bytes_of(question));
            co_await c.finish();
            const std::string answer = co_await read_to_end(c);
            right += answer == question ? 1 : 0;
        };
        s.start(serve, std::ref(at), s.ref());
        for (int i = 0; i < many; ++i) s.start(ask, at.endpoint(), i);
    });
    EXPECT_EQ(right, many);
}

// ---- bytes --------------------------------------------------------------------------------------------------------

TEST_F(tcp, plain_code_writes_and_reads) {
    pair p;
    p.client.write_all(bytes_of("hello")).wait();
    std::array<std::byte, 5> got;
    p.server.read_exactly(got).wait();
    EXPECT_EQ(text_of(got), "hello");
    EXPECT_EQ(p.server.write_some(bytes_of("bye")).wait(), 3U);
    std::array<std::byte, 64> buffer;
    EXPECT_EQ(p.client.read_some(buffer).wait(), 3U);
    EXPECT_EQ(text_of(std::span(buffer).first(3)), "bye");
}

TEST_F(tcp, nothing_takes_no_time) {
    pair p;
    EXPECT_EQ(p.client.read_some(std::span<std::byte>()).wait(), 0U);
    EXPECT_EQ(p.client.write_some(std::span<const std::byte>()).wait(), 0U);
    p.client.read_exactly(std::span<std::byte>()).wait();
    p.client.write_all(std::span<const std::byte>()).wait();
}

TEST_F(tcp, a_reader_that_waits_is_woken_by_what_comes) {
    pair p;
    bide::loop l;
    auto all = l.submit(read_to_end, std::ref(p.server));
    turn(l, 3);
    EXPECT_EQ(all.status(), bide::future_status::pending);
    p.client.write_all(bytes_of("one ")).wait();
    turn(l, 3);
    p.client.write_all(bytes_of("two")).wait();
    turn(l, 3);
    EXPECT_EQ(all.status(), bide::future_status::pending);
    p.client.finish().wait();
    turn_until(l, all);
    EXPECT_EQ(all.value(), "one two");
}

TEST_F(tcp, writes_in_parts_through_small_buffers) {
    pair p;
    small_buffer(p.client);
    const std::vector<std::byte> sent = byte_pattern(3'000'000);
    std::vector<std::byte> got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await p.client.write_all(sent);
            co_await p.client.finish();
        };
        auto read = [&]() -> task<> {
            std::array<std::byte, 1500> buffer;
            for (std::size_t want = 1; const std::size_t n = co_await p.server.read_some(std::span(buffer).first(want));
                 want = want % buffer.size() + 1)
                got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
        };
        s.start(write);
        s.start(read);
    });
    EXPECT_TRUE(got == sent);
}

TEST_F(tcp, C15_1_write_some_says_how_much_it_handed_over) {
    pair p;
    small_buffer(p.client);
    const std::vector<std::byte> sent = byte_pattern(1'000'000);
    std::size_t parts = 0;
    std::vector<std::byte> got(sent.size());
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            for (std::span<const std::byte> left(sent); !left.empty(); ++parts) {
                const std::size_t n = co_await p.client.write_some(left);
                EXPECT_GT(n, 0U);
                left = left.subspan(n);
            }
        };
        auto read = [&]() -> task<> { co_await p.server.read_exactly(got); };
        s.start(write);
        s.start(read);
    });
    EXPECT_GT(parts, 1U);
    EXPECT_TRUE(got == sent);
}

TEST_F(tcp, much_goes_between_two_loops_both_ways_at_once) {
    pair p;
    const std::vector<std::byte> sent = byte_pattern(24'000'000);
    std::vector<std::byte> got(sent.size());
    std::thread echoing([&] {
        auto back = [](tcp_stream& s) -> task<> {
            std::vector<std::byte> buffer(1 << 18);
            while (const std::size_t n = co_await s.read_some(buffer))
                co_await s.write_all(std::span<const std::byte>(buffer).first(n));
        };
        back(p.server).wait();
    });
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await p.client.write_all(sent);
            co_await p.client.finish();
        };
        auto read = [&]() -> task<> { co_await p.client.read_exactly(got); };
        s.start(write);
        s.start(read);
    });
    echoing.join();
    EXPECT_TRUE(got == sent);
}

TEST_F(tcp, C1_12_a_stream_that_is_always_ready_starves_nobody) {
    pair p;
    constexpr std::size_t many = 20'000;
    p.client.write_all(byte_pattern(many)).wait();
    bide::loop l;
    bool over = false;
    int turns = 0;
    auto reader = [&]() -> task<> {
        std::array<std::byte, 1> one;
        for (std::size_t i = 0; i < many; ++i) co_await p.server.read_exactly(one);
        over = true;
    };
    auto other = [&]() -> task<> {
        while (!over) {
            ++turns;
            co_await bide::yield_now();
        }
    };
    l.submit(reader);
    l.submit(other);
    l.run();
    EXPECT_GE(turns, static_cast<int>(many / 128));
}

TEST_F(tcp, C15_1_both_sides_end_on_their_own) {
    pair p;
    p.client.write_all(bytes_of("last words")).wait();
    p.client.finish().wait();
    EXPECT_EQ(read_to_end(p.server).wait(), "last words");  // the client has ended, the server goes on
    p.server.write_all(bytes_of("answer")).wait();
    std::array<std::byte, 6> answer;
    p.client.read_exactly(answer).wait();
    EXPECT_EQ(text_of(answer), "answer");
    EXPECT_EQ(error_of([&] { p.client.write_all(bytes_of("more")).wait(); }), std::errc::broken_pipe);
    p.server.finish().wait();
    EXPECT_EQ(read_to_end(p.client).wait(), "");
}

TEST_F(tcp, C15_1_the_end_is_there_for_a_reader_that_comes_later) {
    pair p;
    bide::loop l;
    std::array<std::byte, 100> buffer;
    auto first = l.submit([&]() -> task<std::size_t> { co_return co_await p.server.read_some(buffer); });
    turn(l, 2);  // registered, waits
    ASSERT_EQ(::send(p.client.native_handle(), "ab", 2, 0), 2);
    p.client.finish().wait();  // data and end in one event
    turn_until(l, first);
    EXPECT_EQ(first.value(), 2U);
    for (int i = 0; i < 3; ++i) {
        auto again = l.submit([&]() -> task<std::size_t> { co_return co_await p.server.read_some(buffer); });
        turn_until(l, again);
        EXPECT_EQ(again.value(), 0U);
    }
}

TEST_F(tcp, C15_1_an_end_in_the_middle_is_an_error_that_says_how_much_came) {
    pair p;
    p.client.write_all(bytes_of("half")).wait();
    p.client.finish().wait();
    std::array<std::byte, 8> buffer;
    const auto got = bide::as_result(p.server.read_exactly(buffer)).wait();
    EXPECT_EQ(got.error, bide::io_errc::end_of_stream);
    EXPECT_EQ(got.value, 4U);
    EXPECT_EQ(text_of(std::span(buffer).first(got.value)), "half");
    const std::error_code thrown = error_of([&] { p.server.read_exactly(buffer).wait(); });
    EXPECT_EQ(thrown, bide::io_errc::end_of_stream);
    EXPECT_STREQ(thrown.category().name(), "bide.io");
    EXPECT_FALSE(thrown.message().empty());
}

TEST_F(tcp, C15_4_a_reset_is_an_error_for_reader_and_writer) {
    pair p;
    bide::loop l;
    stuff(p.client);
    auto write = l.submit([&]() -> task<> { co_await p.client.write_all(bytes_of("more")); });
    std::array<std::byte, 8> buffer;
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await p.client.read_some(buffer); });
    turn(l, 3);
    EXPECT_EQ(write.status(), bide::future_status::pending);
    reset_on_close(p.server);
    p.server.close();
    l.run();
    const std::error_code r = error_of([&] { read.value(); });
    const std::error_code w = error_of([&] { write.value(); });
    EXPECT_TRUE(r == std::errc::connection_reset || w == std::errc::connection_reset)
        << r.message() << ", " << w.message();
    for (const std::error_code& e : {r, w})  // the system tells the reset once; then it says "closed"
        EXPECT_TRUE(!e || e == std::errc::connection_reset || e == std::errc::broken_pipe) << e.message();
    EXPECT_TRUE(w);
    EXPECT_EQ(error_of([&] { p.client.write_all(bytes_of("more")).wait(); }), std::errc::broken_pipe);
}

TEST_F(tcp, C15_4_a_peer_that_is_killed_during_a_write_is_an_error_and_no_signal) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    sockaddr_storage to{};
    const unsigned size = at.endpoint().to_native(to);
    const pid_t peer = ::fork();
    ASSERT_GE(peer, 0);
    if (peer == 0) {  // only system calls from here
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), size) != 0) ::_exit(1);
        char c = 0;
        static_cast<void>(::recv(fd, &c, 1, 0));
        for (;;) ::pause();
    }
    tcp_stream s = at.accept().wait();
    bide::loop l;
    auto write = l.submit([&]() -> task<> {
        const std::vector<std::byte> much(1 << 16);
        for (;;) co_await s.write_all(much);
    });
    turn(l, 20);
    EXPECT_EQ(write.status(), bide::future_status::pending);
    ASSERT_EQ(::kill(peer, SIGKILL), 0);
    l.run();  // ends, with an error
    ASSERT_EQ(::waitpid(peer, nullptr, 0), peer);
    const std::error_code e = error_of([&] { write.value(); });
    EXPECT_TRUE(e == std::errc::connection_reset || e == std::errc::broken_pipe) << e.message();
}

// ---- cancellation -------------------------------------------------------------------------------------------------

TEST_F(tcp, C15_3_a_cancelled_accept_leaves_the_connection_in_the_queue) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    bide::loop l;
    auto accept = [&]() -> task<tcp_stream> { co_return co_await at.accept(); };
    auto waiting = l.submit(accept);
    turn(l, 3);
    EXPECT_EQ(waiting.status(), bide::future_status::pending);
    const tcp_stream client =
        tcp_stream::connect(at.endpoint()).wait();  // the loop has not seen it when the stop comes
    waiting.stop();
    turn_until(l, waiting);
    EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
    auto next = l.submit(accept);
    turn_until(l, next);
    EXPECT_EQ(next.value().peer_endpoint(), client.endpoint());
}

TEST_F(tcp, C15_3_a_cancelled_read_takes_nothing) {
    pair p;
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto read = [&]() -> task<std::size_t> { co_return co_await p.server.read_some(buffer); };
    auto waiting = l.submit(read);
    turn(l, 3);
    p.client.write_all(bytes_of("kept")).wait();
    waiting.stop();
    turn_until(l, waiting);
    EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
    auto next = l.submit(read);
    turn_until(l, next);
    EXPECT_EQ(next.value(), 4U);
    EXPECT_EQ(text_of(std::span(buffer).first(4)), "kept");
}

TEST_F(tcp, C15_3_a_read_that_has_its_bytes_delivers_them_whatever_is_cancelled_then) {
    pair p;
    bide::loop l;
    std::array<std::byte, 8> buffer;
    std::size_t got = 0;
    auto waiting = l.submit([&]() -> task<> { got = co_await p.server.read_some(buffer); });
    turn(l, 3);
    p.client.write_all(bytes_of("here")).wait();
    // The poll inside this turn takes the bytes for the task and posts it; the stop comes before the task has run.
    while (::recv(p.server.native_handle(), buffer.data(), 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
        l.poll();
        waiting.stop();
    }
    turn_until(l, waiting);
    EXPECT_EQ(waiting.status(), bide::future_status::succeeded) << "the bytes were taken and not delivered";
    EXPECT_EQ(got, 4U);
}

TEST_F(tcp, C15_3_what_a_cancelled_read_exactly_had_taken_is_read_next) {
    pair p;
    bide::loop l;
    const std::vector<std::byte> sent = byte_pattern(1000);
    std::vector<std::byte> buffer(sent.size());
    std::vector<std::byte> got;
    std::size_t written = 0;
    for (std::size_t part = 1; written < sent.size();
         part = part * 2) {  // again and again: what was given back is cut too
        auto waiting = l.submit([&]() -> task<> { co_await p.server.read_exactly(buffer); });
        turn(l, 2);
        const auto now = std::span(sent).subspan(written, std::min(part, sent.size() - 1 - written));
        if (now.empty()) {
            waiting.stop();
            turn_until(l, waiting);
            break;
        }
        p.client.write_all(now).wait();
        written += now.size();
        turn(l, 3);  // taken, and not all: it waits on
        EXPECT_EQ(waiting.status(), bide::future_status::pending);
        waiting.stop();
        turn_until(l, waiting);
        EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
        auto some = l.submit([&]() -> task<std::size_t> {
            std::array<std::byte, 1> one;
            co_await p.server.read_exactly(one);
            got.push_back(one[0]);
            co_return 1;
        });
        turn_until(l, some);
    }
    p.client.write_all(std::span(sent).subspan(written)).wait();
    p.client.finish().wait();
    auto rest = l.submit([&]() -> task<> {
        std::array<std::byte, 64> some;
        while (const std::size_t n = co_await p.server.read_some(some))
            got.insert(got.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
    });
    turn_until(l, rest);
    EXPECT_TRUE(got == sent);
}

TEST_F(tcp, C15_3_a_write_that_was_cut_makes_further_writes_fail) {
    pair p;
    small_buffer(p.client);
    bide::loop l;
    const std::vector<std::byte> much = byte_pattern(10'000'000);
    auto cut = l.submit([&]() -> task<> { co_await p.client.write_all(much); });
    turn(l, 10);
    EXPECT_EQ(cut.status(), bide::future_status::pending);
    cut.stop();
    turn_until(l, cut);
    EXPECT_EQ(cut.status(), bide::future_status::cancelled);
    EXPECT_EQ(error_of([&] { p.client.write_all(bytes_of("x")).wait(); }), bide::io_errc::write_cut);
    EXPECT_EQ(bide::as_result(p.client.write_some(bytes_of("x"))).wait().error, bide::io_errc::write_cut);
    p.client.finish().wait();  // the other direction lives, and what was sent is intact
    const std::string got = read_to_end(p.server).wait();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got, text_of(std::span(much).first(got.size())));
    p.server.write_all(bytes_of("still there")).wait();
    std::array<std::byte, 11> answer;
    p.client.read_exactly(answer).wait();
    EXPECT_EQ(text_of(answer), "still there");
}

TEST_F(tcp, C15_3_a_write_that_was_cancelled_before_its_first_byte_harms_nothing) {
    pair p;
    const std::size_t before = stuff(p.client);
    bide::loop l;
    auto some = l.submit([&]() -> task<std::size_t> { co_return co_await p.client.write_some(bytes_of("never")); });
    turn(l, 3);
    ASSERT_EQ(some.status(), bide::future_status::pending);
    some.stop();
    turn_until(l, some);
    auto all = l.submit([&]() -> task<> { co_await p.client.write_all(bytes_of("never")); });
    turn(l, 3);
    all.stop();
    turn_until(l, all);
    EXPECT_EQ(all.status(), bide::future_status::cancelled);
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await p.client.write_all(bytes_of("end"));
            co_await p.client.finish();
        };
        auto read = [&]() -> task<> { got = co_await read_to_end(p.server); };
        s.start(write);
        s.start(read);
    });
    EXPECT_EQ(got.size(), before + 3);
    EXPECT_EQ(got.substr(before), "end");
}

TEST_F(tcp, C15_3_a_cancelled_connect_leaves_nothing) {
    tcp_listener full = tcp_listener::listen(ip_endpoint::loopback(0), {.backlog = 0});
    bide::loop l;
    std::deque<bide::future<tcp_stream>> waiting;
    for (int i = 0; i < 8; ++i)  // a queue of one: the others get no answer
        waiting.push_back(l.submit(
            [](ip_endpoint to) -> task<tcp_stream> { co_return co_await tcp_stream::connect(to); }, full.endpoint()));
    turn(l, 50);
    int pending = 0;
    for (auto& f : waiting)
        if (f.status() == bide::future_status::pending) ++pending, f.stop();
    EXPECT_GT(pending, 0);
    turn(l, 3);
    for (auto& f : waiting) EXPECT_NE(f.status(), bide::future_status::pending);
}

TEST_F(tcp, C15_3_stop_before_the_first_step_does_nothing) {
    pair p;
    p.client.write_all(bytes_of("kept")).wait();
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto never = l.submit([&]() -> task<std::size_t> { co_return co_await p.server.read_some(buffer); });
    never.stop();
    turn_until(l, never);
    EXPECT_EQ(never.status(), bide::future_status::cancelled);
    EXPECT_EQ(p.server.read_some(buffer).wait(), 4U);
}

// Stopped after k turns of the loop, for every k until it comes to its end: no state of an operation is left out.
TEST_F(tcp, C15_3_cancelled_at_every_step_it_leaks_nothing) {
    int steps = 0;
    for (bool ended = false; !ended; ++steps) {
        ASSERT_LT(steps, 5000);
        bide::loop l;
        support::open_what_stays(l);
        const std::vector<std::string> before = open_descriptors();
        {
            tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
            auto whole = [](tcp_listener& on) -> task<> {
                auto body = [&on](bide::scope& s) -> task<> {
                    auto serve = [](tcp_listener& li) -> task<> {
                        tcp_stream peer = co_await li.accept();
                        co_await echo(std::move(peer));
                    };
                    s.start(serve, std::ref(on));
                    tcp_stream c = co_await tcp_stream::connect(on.endpoint());
                    const std::vector<std::byte> sent = byte_pattern(300'000);
                    std::vector<std::byte> got(sent.size());
                    auto write = [](tcp_stream& to, std::span<const std::byte> all) -> task<> {
                        co_await to.write_all(all);
                        co_await to.finish();
                    };
                    s.start(write, std::ref(c), std::span<const std::byte>(sent));
                    co_await c.read_exactly(got);
                    EXPECT_TRUE(got == sent);
                    co_await s.join();
                };
                co_await bide::with_scope(body);
            };
            auto f = l.submit(whole, std::ref(at));
            for (int i = 0; i < steps && f.status() == bide::future_status::pending; ++i) l.poll();
            ended = f.status() == bide::future_status::succeeded;
            f.stop();
            turn_until(l, f);
            EXPECT_NE(f.status(), bide::future_status::failed) << bide::describe(f.state().failure());
        }
        l.poll();
        EXPECT_EQ(open_descriptors(), before);
    }
    EXPECT_GT(steps, 5);
}

// ---- closing, moving, misuse --------------------------------------------------------------------------------------

TEST_F(tcp, C15_6_closing_ends_what_is_pending_with_an_error) {
    pair p;
    stuff(p.client);
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await p.client.read_some(buffer); });
    auto write = l.submit([&]() -> task<> { co_await p.client.write_all(bytes_of("x")); });
    turn(l, 3);
    p.client.close();
    p.client.close();
    EXPECT_FALSE(p.client.is_open());
    l.run();
    EXPECT_EQ(error_of([&] { read.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(error_of([&] { write.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(error_of([&] { p.client.read_some(buffer).wait(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(error_of([&] { p.client.finish().wait(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(error_of([&] { static_cast<void>(p.client.endpoint()); }), std::errc::bad_file_descriptor);
}

TEST_F(tcp, C15_6_closing_a_listener_ends_its_accept) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    bide::loop l;
    auto accept = l.submit([&]() -> task<tcp_stream> { co_return co_await at.accept(); });
    turn(l, 3);
    at.close();
    l.run();
    EXPECT_EQ(error_of([&] { static_cast<void>(accept.value()); }), std::errc::operation_canceled);
    EXPECT_EQ(bide::as_result(at.accept()).wait().error, std::errc::bad_file_descriptor);
}

TEST_F(tcp, C15_6_destroying_a_stream_ends_what_is_pending_with_an_error) {
    pair p;
    auto doomed = std::make_unique<tcp_stream>(std::move(p.server));
    bide::loop l;
    std::array<std::byte, 8> buffer;
    tcp_stream& s = *doomed;
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await s.read_some(buffer); });
    auto stopped = l.submit([&]() -> task<> { co_await s.write_all(bytes_of("x")); });
    turn(l, 3);
    doomed.reset();
    l.run();
    EXPECT_EQ(error_of([&] { read.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(read_to_end(p.client).wait(), "x");
}

TEST_F(tcp, a_stream_may_be_destroyed_before_its_stopped_reader_is_unwound) {
    pair p;
    auto doomed = std::make_unique<tcp_stream>(std::move(p.server));
    bide::loop l;
    std::array<std::byte, 8> buffer;
    tcp_stream& s = *doomed;
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await s.read_some(buffer); });
    turn(l, 3);
    read.stop();  // posted to be unwound
    doomed.reset();
    l.run();
    EXPECT_EQ(read.status(), bide::future_status::cancelled);
}

TEST_F(tcp, C15_5_another_reader_or_writer_at_the_same_time_is_refused) {
    pair p;
    stuff(p.server);
    bide::loop l;
    std::array<std::byte, 8> buffer;
    std::array<std::byte, 8> other;
    auto first = l.submit([&]() -> task<std::size_t> { co_return co_await p.server.read_some(buffer); });
    auto second = l.submit([&]() -> task<std::size_t> { co_return co_await p.server.read_some(other); });
    auto writer = l.submit([&]() -> task<> { co_await p.server.write_all(bytes_of("x")); });
    auto another = l.submit([&]() -> task<> { co_await p.server.write_all(bytes_of("y")); });
    turn_until(l, second);
    turn_until(l, another);
    EXPECT_THROW(second.value(), bide::usage_error);
    EXPECT_THROW(another.value(), bide::usage_error);
    EXPECT_EQ(first.status(), bide::future_status::pending);
    EXPECT_EQ(writer.status(), bide::future_status::pending);
    p.client.write_all(bytes_of("mine")).wait();
    turn_until(l, first);
    EXPECT_EQ(first.value(), 4U);
    writer.stop();
    l.run();
}

TEST_F(tcp, C15_5_an_empty_stream_is_a_mistake_that_says_so) {
    pair p;
    const tcp_stream moved = std::move(p.client);
    std::array<std::byte, 8> buffer;
    EXPECT_THROW(p.client.read_some(buffer).wait(),
                 bide::usage_error);  // NOLINT(bugprone-use-after-move): that is the test
    EXPECT_THROW(static_cast<void>(p.client.endpoint()), bide::usage_error);
    EXPECT_THROW(tcp_listener().accept().wait(), bide::usage_error);
    p.client.close();
    EXPECT_EQ(p.client.native_handle(), -1);
    EXPECT_TRUE(moved.is_open());
}

TEST_F(tcp, C15_8_there_is_no_io_in_virtual_time) {
    pair p;
    std::thread([&] {  // this thread's loop keeps real time
        const bide::testing::virtual_time time;
        std::array<std::byte, 8> buffer;
        EXPECT_THROW(p.server.read_some(buffer).wait(), std::logic_error);
    })
        .join();
    p.client.write_all(bytes_of("real")).wait();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(p.server.read_some(buffer).wait(), 4U);
}

// ---- other loops, other threads -----------------------------------------------------------------------------------

TEST_F(tcp, C15_5_a_stream_goes_from_loop_to_loop) {
    pair p;
    std::array<std::byte, 8> buffer;
    auto read = [&]() -> task<std::string> {
        const std::size_t n = co_await p.server.read_some(buffer);
        co_return text_of(std::span(buffer).first(n));
    };
    std::optional<bide::loop> kept;
    kept.emplace();
    for (int i = 0; i < 5; ++i) {
        bide::loop l;  // is gone the next time
        bide::loop& use = i == 2 ? *kept : l;
        auto f = use.submit(read);
        turn(use, 2);
        const std::string text = "round " + std::to_string(i);
        p.client.write_all(bytes_of(text)).wait();
        turn_until(use, f);
        EXPECT_EQ(f.value(), text);
    }
    kept.reset();
    p.client.finish().wait();
    EXPECT_EQ(read_to_end(p.server).wait(), "");
}

TEST_F(tcp, C15_5_a_stream_outlives_the_thread_that_made_it) {
    std::optional<pair> p;
    std::thread([&] {
        p.emplace();
        p->client.write_all(bytes_of("from a thread")).wait();
        std::array<std::byte, 4> buffer;
        p->server.read_exactly(buffer).wait();
    }).join();
    p->client.finish().wait();
    EXPECT_EQ(read_to_end(p->server).wait(), " a thread");
}

TEST_F(tcp, C15_5_reader_and_writer_may_stand_on_different_loops) {
    pair p;
    small_buffer(p.client);
    small_buffer(p.server);
    const std::vector<std::byte> sent = byte_pattern(500'000);
    std::vector<std::byte> got[2] = {std::vector<std::byte>(sent.size()), std::vector<std::byte>(sent.size())};
    std::thread threads[4];
    threads[0] = std::thread([&] { p.client.write_all(sent).wait(); });
    threads[1] = std::thread([&] { p.client.read_exactly(got[0]).wait(); });
    threads[2] = std::thread([&] { p.server.write_all(sent).wait(); });
    threads[3] = std::thread([&] { p.server.read_exactly(got[1]).wait(); });
    for (std::thread& t : threads) t.join();
    EXPECT_TRUE(got[0] == sent);
    EXPECT_TRUE(got[1] == sent);
}

// Streams are used, cancelled and destroyed on one thread while the loop that reports them runs on another.
TEST_F(tcp, streams_end_on_one_thread_while_another_reports_them) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    support::own_executor w;
    std::atomic<bool> over{false};
    std::thread running([&] { w.run_until(over); });
    for (int i = 0; i < 300; ++i) {
        tcp_stream client = tcp_stream::connect(at.endpoint()).wait();
        bide::scope_options options;
        options.on = &w;
        bide::with_scope(options, [&](bide::scope& s) {
            auto serve = [](tcp_listener& li, int round) -> task<> {
                tcp_stream peer = co_await li.accept();
                std::array<std::byte, 4> buffer;
                for (int n = 0; n < round % 3; ++n) {  // it may be one of an earlier round, whose client is gone
                    const auto got = co_await bide::as_result(peer.read_exactly(buffer));
                    if (!got.ok()) co_return;
                    static_cast<void>(co_await bide::as_result(peer.write_all(buffer)));
                }
            };
            auto f = s.start(serve, std::ref(at), i);
            for (int n = 0; n < 3 && bide::as_result(client.write_all(bytes_of("ping"))).wait().ok(); ++n) {}
            if (i % 2 == 0) f.stop();
        });
    }
    over = true;
    w.wake();
    running.join();
}

}  // namespace
