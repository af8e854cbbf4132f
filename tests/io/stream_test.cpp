// SPDX-License-Identifier: BSL-1.0
// What is made from the four functions that every stream has, over streams that have no more than these.
#include <bide/io/memory_stream.hpp>
#include <bide/io/stream.hpp>
#include <bide/io/tcp.hpp>
#include <bide/scope.hpp>

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using bide::task;

/// Gives what it has in parts of a size, then the end or an error; takes as much as there is room for, in parts.
class bare_stream {
public:
    std::string in;
    std::string out;
    std::size_t part = 3;
    std::size_t room = 1000;
    std::error_code then;
    bool finished = false;
    bool closed = false;

    task<std::size_t> read_some(std::span<std::byte> to) {
        if (in.empty() && then) throw std::system_error(then, "bare_stream");
        const std::size_t n = std::min({to.size(), part, in.size()});
        std::copy_n(bide::bytes_of(in).begin(), n, to.begin());
        in.erase(0, n);
        co_return n;
    }
    task<std::size_t> write_some(std::span<const std::byte> from) {
        const std::size_t n = std::min({from.size(), part, room});
        if (n == 0 && !from.empty()) throw std::system_error(std::make_error_code(std::errc::no_space_on_device));
        out += bide::text_of(from.first(n));
        room -= n;
        co_return n;
    }
    task<> finish() {
        finished = true;
        co_return;
    }
    void close() noexcept { closed = true; }
};

static_assert(bide::byte_stream<bare_stream>);
static_assert(bide::byte_stream<bide::memory_stream>);
static_assert(bide::byte_stream<bide::tcp_stream>);
static_assert(!bide::byte_stream<bide::tcp_listener>);
static_assert(!bide::byte_source<std::string>);

TEST(stream, text_and_bytes_are_the_same_thing) {
    const std::string text("a\0b", 3);
    EXPECT_EQ(bide::bytes_of(text).size(), 3U);
    EXPECT_EQ(static_cast<const void*>(bide::bytes_of(text).data()), text.data());
    EXPECT_EQ(bide::text_of(bide::bytes_of(text)), text);
    EXPECT_TRUE(bide::bytes_of({}).empty());
}

TEST(stream, C15_1_read_exactly_takes_as_many_parts_as_it_needs) {
    bare_stream s;
    s.in = "0123456789rest";
    std::array<std::byte, 10> got;
    bide::read_exactly(s, got).wait();
    EXPECT_EQ(bide::text_of(got), "0123456789");
    EXPECT_EQ(s.in, "rest") << "and not a byte more";
    bide::read_exactly(s, std::span<std::byte>()).wait();
    EXPECT_EQ(s.in, "rest");
}

TEST(stream, C15_1_an_end_too_early_is_an_error_that_says_how_much_came) {
    bare_stream s;
    s.in = "four";
    std::array<std::byte, 8> got;
    const auto some = bide::as_result(bide::read_exactly(s, got)).wait();
    EXPECT_EQ(some.error, bide::io_errc::end_of_stream);
    EXPECT_EQ(some.value, 4U);
    EXPECT_EQ(bide::text_of(std::span(got).first(4)), "four");
    try {
        bide::read_exactly(s, got).wait();
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), bide::io_errc::end_of_stream);
    }
}

TEST(stream, C15_1_an_error_in_the_middle_says_how_much_came) {
    bare_stream s;
    s.in = "fours";
    s.then = std::make_error_code(std::errc::io_error);
    std::array<std::byte, 8> got;
    const auto some = bide::as_result(bide::read_exactly(s, got)).wait();
    EXPECT_EQ(some.error, std::errc::io_error);
    EXPECT_EQ(some.value, 5U);
    EXPECT_THROW(bide::read_exactly(s, got).wait(), std::system_error);
    EXPECT_EQ(bide::as_result(s.read_some(got)).wait().error, std::errc::io_error);
}

TEST(stream, C15_1_write_all_goes_on_until_everything_is_handed_over) {
    bare_stream s;
    bide::write_all(s, bide::bytes_of("0123456789")).wait();
    EXPECT_EQ(s.out, "0123456789");
    bide::write_all(s, {}).wait();
    s.room = 5;
    const auto some = bide::as_result(bide::write_all(s, bide::bytes_of("abcdefgh"))).wait();
    EXPECT_EQ(some.error, std::errc::no_space_on_device);
    EXPECT_EQ(some.value, 5U);
    EXPECT_EQ(s.out, "0123456789abcde");
    EXPECT_THROW(bide::write_all(s, bide::bytes_of("x")).wait(), std::system_error);
    EXPECT_EQ(bide::as_result(s.write_some(bide::bytes_of("x"))).wait().error, std::errc::no_space_on_device);
}

TEST(stream, C2_8_as_result_lets_through_what_is_no_error_of_the_world) {
    struct strange : bare_stream {
        static task<std::size_t> read_some(std::span<std::byte>) {
            throw std::out_of_range("not the world's");
            co_return 0;
        }
    } s;
    std::array<std::byte, 8> got;
    EXPECT_THROW(static_cast<void>(bide::as_result(bide::read_exactly(s, got)).wait()), std::out_of_range);
}

TEST(stream, C15_1_a_streams_own_functions_are_used_where_it_has_them) {
    auto [a, b] = bide::memory_stream::pair(4);
    using member = decltype(a.read_exactly(std::span<std::byte>()));
    static_assert(std::is_same_v<decltype(bide::read_exactly(a, std::span<std::byte>())), member>);
    const std::string sent = "more than what fits";
    std::string got(sent.size(), '\0');
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await bide::write_all(a, bide::bytes_of(sent));
            co_await a.finish();
        };
        auto read = [&]() -> task<> { co_await bide::read_exactly(b, std::as_writable_bytes(std::span(got))); };
        s.start(write);
        s.start(read);
    });
    EXPECT_EQ(got, sent);
}

TEST(stream, C15_1_tcp_finishes_as_every_stream_does) {
    bide::tcp_listener at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
    bide::tcp_stream client = bide::tcp_stream::connect(at.endpoint()).wait();
    bide::tcp_stream server = at.accept().wait();
    client.finish().wait();
    std::array<std::byte, 8> got;
    EXPECT_EQ(server.read_some(got).wait(), 0U);
    EXPECT_FALSE(bide::as_result(client.finish()).wait()) << "twice is once";
    client.close();
    EXPECT_EQ(bide::as_result(client.finish()).wait(), std::errc::bad_file_descriptor);
    EXPECT_THROW(client.finish().wait(), std::system_error);
    EXPECT_THROW(static_cast<void>(bide::tcp_stream().finish()), bide::usage_error);
}

}  // namespace
