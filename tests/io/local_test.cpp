// SPDX-License-Identifier: BSL-1.0
#include <bide/io/local.hpp>
#include <bide/io/pipe.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <thread>

namespace {

using bide::bytes_of;
using bide::local_datagram;
using bide::local_endpoint;
using bide::local_listener;
using bide::local_stream;
using bide::task;
using bide::text_of;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

static_assert(bide::byte_stream<local_stream>);

class local : public support::no_leaks {
protected:
    support::temporary_directory dir_;
    local_endpoint here(const char* name) const { return local_endpoint::path((dir_ / name).string()); }
};

TEST_F(local, connect_and_talk_by_path_and_by_abstract_name) {
    const std::string unique = "bide-test-" + std::to_string(::getpid());
    for (const local_endpoint& at : {here("socket"), local_endpoint::abstract(unique)}) {
        local_listener listener = local_listener::listen(at);
        EXPECT_EQ(listener.endpoint(), at);
        local_stream client = local_stream::connect(at).wait();
        local_stream server = listener.accept().wait();
        client.write_all(bytes_of("question")).wait();
        client.finish().wait();
        EXPECT_EQ(support::read_to_end(server).wait(), "question");
        server.write_all(bytes_of("answer")).wait();
        server.close();
        EXPECT_EQ(support::read_to_end(client).wait(), "answer");
        EXPECT_EQ(bide::as_result(client.write_all(bytes_of("x"))).wait().error, std::errc::broken_pipe);
        EXPECT_NE(::fcntl(client.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    }
}

TEST_F(local, C15_2_nobody_there_is_an_error_that_names_it) {
    try {
        static_cast<void>(local_stream::connect(here("nobody")).wait());
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
        EXPECT_NE(std::string(e.what()).find("nobody"), std::string::npos);
    }
    const auto tried = bide::as_result(local_stream::connect(local_endpoint::abstract("bide-nobody"))).wait();
    EXPECT_EQ(tried.error, std::errc::connection_refused);
    EXPECT_FALSE(tried.value.is_open());
    support::put(dir_ / "file", "x");
    EXPECT_EQ(bide::as_result(local_stream::connect(here("file"))).wait().error, std::errc::connection_refused);
}

TEST_F(local, C15_16_a_listeners_path_goes_with_it_and_only_its_own) {
    {
        local_listener at = local_listener::listen(here("s"));
        EXPECT_EQ(error_of([&] { static_cast<void>(local_listener::listen(here("s"))); }), std::errc::address_in_use);
        EXPECT_TRUE(std::filesystem::exists(dir_ / "s")) << "a refused one removes nothing";
        local_listener moved = std::move(at);
        EXPECT_TRUE(std::filesystem::exists(dir_ / "s"));
    }
    EXPECT_FALSE(std::filesystem::exists(dir_ / "s"));
    local_listener at = local_listener::listen(here("s"));
    std::filesystem::remove(dir_ / "s");
    support::put(dir_ / "s", "somebody else's");
    at.close();
    EXPECT_TRUE(std::filesystem::exists(dir_ / "s"));
}

TEST_F(local, a_full_queue_is_waited_for_and_the_wait_can_be_cancelled) {
    local_listener at = local_listener::listen(here("s"), {.backlog = 0});
    bide::loop l;
    auto connect = [&]() -> task<local_stream> { co_return co_await local_stream::connect(here("s")); };
    std::vector<bide::future<local_stream>> all;
    for (int i = 0; i < 4; ++i) all.push_back(l.submit(connect));
    turn(l, 20);
    EXPECT_EQ(all[0].status(), bide::future_status::succeeded);
    ASSERT_EQ(all[3].status(), bide::future_status::pending);
    all[3].stop();
    turn_until(l, all[3]);
    EXPECT_EQ(all[3].status(), bide::future_status::cancelled);
    for (int i = 0; i < 3; ++i) {
        auto accept = [&]() -> task<local_stream> { co_return co_await at.accept(); };
        auto got = l.submit(accept);
        turn_until(l, got);
    }
    for (int i = 0; i < 3; ++i) turn_until(l, all[static_cast<std::size_t>(i)]);
    EXPECT_EQ(all[2].status(), bide::future_status::succeeded);
}

TEST_F(local, C15_30_each_end_has_its_address_and_knows_the_peers) {
    local_listener at = local_listener::listen(here("s"));
    local_stream client = local_stream::connect(here("s")).wait();
    local_stream server = at.accept().wait();
    EXPECT_EQ(client.peer_endpoint(), here("s"));
    EXPECT_EQ(client.endpoint(), local_endpoint());  // it has no name
    EXPECT_EQ(server.endpoint(), here("s"));
    EXPECT_EQ(server.peer_endpoint(), local_endpoint());
    local_datagram named = local_datagram::bind(here("d"));
    local_datagram sender = local_datagram::open();
    EXPECT_EQ(named.endpoint(), here("d"));
    EXPECT_EQ(error_of([&] { static_cast<void>(sender.peer_endpoint()); }), std::errc::not_connected);
    sender.connect(here("d"));
    EXPECT_EQ(sender.peer_endpoint(), here("d"));
}

TEST_F(local, C15_30_options_arrive_and_can_be_asked_for) {
    auto [a, b] = local_stream::pair();
    a.set_send_buffer(20'000);
    a.set_receive_buffer(30'000);
    EXPECT_EQ(a.send_buffer(), 40'000);  // the system doubles them
    EXPECT_EQ(a.receive_buffer(), 60'000);
    EXPECT_NE(b.send_buffer(), 40'000);
    auto [c, d] = local_datagram::pair();
    c.set_send_buffer(20'000);
    d.set_receive_buffer(30'000);
    EXPECT_EQ(c.send_buffer(), 40'000);
    EXPECT_EQ(d.receive_buffer(), 60'000);
    a.close();
    EXPECT_EQ(error_of([&] { static_cast<void>(a.send_buffer()); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(error_of([&] { a.set_receive_buffer(1); }), std::errc::bad_file_descriptor);
}

TEST_F(local, C15_16_the_peer_is_known) {
    auto [a, b] = local_stream::pair();
    EXPECT_EQ(a.peer().process, ::getpid());
    EXPECT_EQ(a.peer().user, ::getuid());
    EXPECT_EQ(a.peer().group, ::getgid());
    b.close();
    EXPECT_EQ(error_of([&] { static_cast<void>(b.peer()); }), std::errc::bad_file_descriptor);
}

TEST_F(local, much_goes_both_ways) {
    auto [a, b] = local_stream::pair();
    const std::string sent = support::pattern(10'000'000);
    std::string got[2];
    bide::with_scope([&, &x = a, &y = b](bide::scope& s) {
        auto write = [&](local_stream& to) -> task<> {
            co_await to.write_all(bytes_of(sent));
            co_await to.finish();
        };
        auto read = [](local_stream& from, std::string& into) -> task<> { into = co_await support::read_to_end(from); };
        s.start(write, std::ref(x));
        s.start(write, std::ref(y));
        s.start(read, std::ref(x), std::ref(got[0]));
        s.start(read, std::ref(y), std::ref(got[1]));
    });
    EXPECT_TRUE(got[0] == sent && got[1] == sent);
}

// ---- descriptors ----------------------------------------------------------------------------------------------------

TEST_F(local, C15_16_descriptors_pass_through) {
    auto [a, b] = local_stream::pair();
    auto [out, in] = bide::make_pipe();
    const int fds[] = {in.native_handle(), out.native_handle()};
    EXPECT_EQ(a.send_with(bytes_of("two"), fds).wait(), 3U);
    std::array<std::byte, 8> buffer;
    bide::local_message got = b.receive_with(buffer).wait();
    EXPECT_EQ(text_of(std::span(buffer).first(got.size)), "two");
    EXPECT_FALSE(got.lost_descriptors);
    ASSERT_EQ(got.descriptors.size(), 2U);
    EXPECT_NE(got.descriptors[0].get(), in.native_handle()) << "descriptors of its own";
    EXPECT_NE(::fcntl(got.descriptors[0].get(), F_GETFD) & FD_CLOEXEC, 0);
    in.close();
    ASSERT_EQ(::write(got.descriptors[0].get(), "through", 7), 7);
    got.descriptors.clear();
    EXPECT_EQ(support::read_to_end(out).wait(), "through") << "the last writer has gone with the message";
}

TEST_F(local, C15_16_descriptors_that_nobody_asks_for_are_closed) {
    auto [a, b] = local_stream::pair();
    auto [out, in] = bide::make_pipe();
    const int fd = in.native_handle();
    EXPECT_EQ(a.send_with(bytes_of("x"), std::span(&fd, 1)).wait(), 1U);
    in.close();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(b.read_some(buffer).wait(), 1U);
    EXPECT_EQ(support::read_to_end(out).wait(), "");
}

TEST_F(local, C15_16_descriptors_that_were_not_received_are_closed_with_the_stream) {
    auto [out, in] = bide::make_pipe();
    {
        auto [a, b] = local_stream::pair();
        const int fd = in.native_handle();
        EXPECT_EQ(a.send_with(bytes_of("x"), std::span(&fd, 1)).wait(), 1U);
        in.close();
    }
    EXPECT_EQ(support::read_to_end(out).wait(), "");
}

TEST_F(local, C15_16_descriptors_beyond_the_limit_are_lost_and_that_is_said) {
    auto [a, b] = local_stream::pair();
    const std::vector<int> many(10, a.native_handle());
    EXPECT_EQ(a.send_with(bytes_of("x"), many).wait(), 1U);
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int lowest_free = ::dup(a.native_handle());
    ::close(lowest_free);
    rlimit few = limit;
    few.rlim_cur = static_cast<rlim_t>(lowest_free) + 2;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    std::array<std::byte, 8> buffer;
    const bide::local_message got = b.receive_with(buffer).wait();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_TRUE(got.lost_descriptors);
    EXPECT_LT(got.descriptors.size(), 10U);
    const std::vector<int> too_many(254, a.native_handle());
    EXPECT_EQ(bide::as_result(a.send_with(bytes_of("x"), too_many)).wait().error, std::errc::invalid_argument);
    const int none = -1;
    EXPECT_EQ(bide::as_result(a.send_with(bytes_of("x"), std::span(&none, 1))).wait().error,
              std::errc::bad_file_descriptor);
}

TEST_F(local, bytes_that_were_given_back_come_before_a_message) {
    auto [a, b] = local_stream::pair();
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto read = l.submit([&, &y = b]() -> task<> { co_await y.read_exactly(buffer); });
    turn(l, 2);
    a.write_all(bytes_of("ab")).wait();
    turn(l, 3);
    read.stop();
    turn_until(l, read);
    a.write_all(bytes_of("cd")).wait();
    EXPECT_EQ(b.receive_with(buffer).wait().size, 2U);
    EXPECT_EQ(text_of(std::span(buffer).first(2)), "ab");
    EXPECT_EQ(b.receive_with(buffer).wait().size, 2U);
    EXPECT_EQ(text_of(std::span(buffer).first(2)), "cd");
    a.close();
    EXPECT_EQ(b.receive_with(buffer).wait().size, 0U);
}

TEST_F(local, C15_16_messages_and_plain_bytes_by_turns_keep_their_order_and_descriptors) {
    auto [a, b] = local_stream::pair();
    auto [out, in] = bide::make_pipe();
    constexpr int rounds = 50;
    std::string got;
    int descriptors = 0;
    auto write = [](local_stream& s, int fd) -> task<> {
        for (int i = 0; i < rounds; ++i) {
            co_await s.write_all(bytes_of("plain "));  // where there is a ring, the ring sends it
            static_cast<void>(co_await s.send_with(bytes_of("m"), std::span(&fd, 1)));
            static_cast<void>(co_await s.write_some(bytes_of("!")));
        }
        co_await s.finish();
    };
    // The reader comes first in every round, so that it is parked when the bytes come.
    auto read = [](local_stream& s, std::string& to, int& fds) -> task<> {
        std::array<std::byte, 6> plain;
        std::array<std::byte, 1> one;
        for (int i = 0; i < rounds; ++i) {
            co_await s.read_exactly(plain);
            to += text_of(plain);
            const bide::local_message m = co_await s.receive_with(one);
            to += text_of(one);
            fds += static_cast<int>(m.descriptors.size());
            static_cast<void>(co_await s.read_some(one));
            to += text_of(one);
        }
        EXPECT_EQ((co_await s.receive_with(one)).size, 0U);
    };
    bide::with_scope([&, &x = a, &y = b, fd = in.native_handle()](bide::scope& s) {
        s.start(read, std::ref(y), std::ref(got), std::ref(descriptors));
        s.start(write, std::ref(x), fd);
    });
    std::string sent;
    for (int i = 0; i < rounds; ++i) sent += "plain m!";
    EXPECT_EQ(got, sent);
    EXPECT_EQ(descriptors, rounds) << "a plain read takes no byte of a message ahead";
    in.close();
    EXPECT_EQ(support::read_to_end(out).wait(), "") << "every copy was closed";
}

TEST_F(local, C15_3_a_cancelled_write_of_which_the_ring_had_sent_a_part_cuts_the_stream) {
    auto [a, b] = local_stream::pair();
    const int small = 4096;
    ASSERT_EQ(::setsockopt(a.native_handle(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    bide::loop l;
    const std::vector<std::byte> much(std::size_t{64} << 10);  // the most that goes by a ring
    auto write = l.submit([&, &x = a]() -> task<> { co_await x.write_all(much); });
    turn(l, 20);
    ASSERT_EQ(write.status(), bide::future_status::pending) << "the peer reads nothing";
    write.stop();
    turn_until(l, write);
    EXPECT_EQ(bide::as_result(a.write_all(bytes_of("x"))).wait().error, bide::io_errc::write_cut);
    a.close();
    const std::size_t arrived = support::read_to_end(b).wait().size();
    EXPECT_GT(arrived, 0U);
    EXPECT_LT(arrived, much.size());
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

TEST_F(local, datagrams_by_name) {
    local_datagram server = local_datagram::bind(here("s"));
    local_datagram client = local_datagram::bind(here("c"));
    client.send_to(bytes_of("one"), here("s")).wait();
    client.send_to({}, here("s")).wait();
    std::array<std::byte, 2> small;
    bide::local_message got = server.receive(small).wait();
    EXPECT_TRUE(got.truncated());
    EXPECT_EQ(got.full_size, 3U);
    EXPECT_EQ(got.size, 2U);
    EXPECT_EQ(got.from, here("c"));
    got = server.receive(small).wait();
    EXPECT_EQ(got.size, 0U);
    EXPECT_FALSE(got.truncated());
    EXPECT_EQ(bide::as_result(client.send_to(bytes_of("x"), here("nobody"))).wait(),
              std::errc::no_such_file_or_directory);
    EXPECT_EQ(error_of([&] { client.send_to(bytes_of("x"), here("nobody")).wait(); }),
              std::errc::no_such_file_or_directory);
    server.close();
    EXPECT_FALSE(std::filesystem::exists(dir_ / "s"));
}

TEST_F(local, a_datagram_to_a_full_receiver_waits) {
    local_datagram server = local_datagram::bind(here("s"));
    local_datagram client = local_datagram::open();
    bide::loop l;
    int sent = 0;
    auto send = [&]() -> task<> {
        for (;; ++sent) co_await client.send_to(bytes_of("x"), here("s"));
    };
    auto all = l.submit(send);
    int before = -1;
    while (sent != before) before = sent, turn(l, 3);
    EXPECT_GT(sent, 0);
    std::array<std::byte, 8> buffer;
    static_cast<void>(server.receive(buffer).wait());
    while (sent == before) l.poll();
    all.stop();
    turn_until(l, all);
    EXPECT_EQ(all.status(), bide::future_status::cancelled);
    auto pending = l.submit(send);
    turn(l, 3);
    client = local_datagram();  // the object goes while one waits
    turn_until(l, pending);
    EXPECT_EQ(error_of([&] { pending.value(); }), std::errc::operation_canceled);
    EXPECT_THROW(client.send_to(bytes_of("x"), here("s")).wait(), bide::usage_error);
}

TEST_F(local, connected_datagrams_wait_for_room_and_carry_descriptors) {
    auto [a, b] = local_datagram::pair();
    int sent = 0;
    bide::loop l;
    auto send = [&, &x = a]() -> task<> {
        for (; sent < 3000; ++sent) co_await x.send(bytes_of(std::to_string(sent)));
    };
    auto all = l.submit(send);
    turn(l, 10);
    EXPECT_EQ(all.status(), bide::future_status::pending);
    std::array<std::byte, 8> buffer;
    for (int i = 0; i < 3000; ++i) {
        auto receive = [&, &y = b]() -> task<bide::local_message> { co_return co_await y.receive(buffer); };
        auto got = l.submit(receive);
        turn_until(l, got);
        ASSERT_EQ(text_of(std::span(buffer).first(got.value().size)), std::to_string(i));
    }
    auto [out, in] = bide::make_pipe();
    const int fd = in.native_handle();
    a.send(bytes_of("fd"), std::span(&fd, 1)).wait();
    EXPECT_EQ(b.receive(buffer).wait().descriptors.size(), 1U);
    EXPECT_EQ(bide::as_result(a.send(bytes_of(std::string(10'000'000, 'x')))).wait(), std::errc::message_size);
    b.close();
    EXPECT_TRUE(bide::as_result(a.send(bytes_of("x"))).wait());
    EXPECT_THROW(bide::with_timeout(1ms, a.receive(buffer)).wait(), bide::timed_out);
}

}  // namespace
