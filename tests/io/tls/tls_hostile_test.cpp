// SPDX-License-Identifier: BSL-1.0
// Lines that break, peers that lie, and somebody in between. Whatever happens: an error or the right bytes, in time.
#include <bide/io/tls.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/tls_pair.hpp"

#include <gtest/gtest.h>
#include <array>
#include <random>

namespace {

using bide::bytes_of;
using bide::memory_stream;
using bide::task;
using bide::tls_context;
using bide::tls_options;
using bide::tls_version;
using support::byte_pattern;
using support::client_options;
using support::memory_tls;
using support::server_options;
using namespace std::chrono_literals;

/// What one side saw of a conversation: the client sends 300 bytes and ends; the server answers 600 and ends.
struct seen {
    std::vector<std::byte> got;
    std::error_code error;
    bool ended = false;  // it saw the end
};

constexpr std::size_t question_size = 300;
constexpr std::size_t answer_size = 600;

task<> read_all(memory_tls& from, seen& what) {
    std::array<std::byte, 128> buffer;
    for (;;) {
        const auto got = co_await bide::as_result(from.read_some(buffer));
        what.got.insert(what.got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.value));
        what.error = got.error;
        what.ended = got.ok() && got.value == 0;
        if (what.ended || got.error) co_return;
    }
}
task<> be_client(const tls_context& with, memory_stream below, seen& what) {
    try {
        memory_tls s = co_await bide::tls_connect(with, std::move(below), support::tls_host);
        const std::vector<std::byte> question = byte_pattern(question_size);
        if (const auto sent = co_await bide::as_result(s.write_all(question)); sent.ok())
            static_cast<void>(co_await bide::as_result(s.finish()));
        co_await read_all(s, what);
    } catch (const std::system_error& e) {
        what.error = e.code();
    }
}
task<> be_server(const tls_context& with, memory_stream below, seen& what) {
    try {
        memory_tls s = co_await bide::tls_accept(with, std::move(below));
        co_await read_all(s, what);
        if (!what.ended) co_return;
        const std::vector<std::byte> answer = byte_pattern(answer_size);
        if (const auto sent = co_await bide::as_result(s.write_all(answer)); sent.ok())
            static_cast<void>(co_await bide::as_result(s.finish()));
    } catch (const std::system_error& e) {
        what.error = e.code();
    }
}

/// Both sides, to their ends. True: everything arrived, and nobody saw anything wrong.
bool converse(const tls_context& c, const tls_context& s, memory_stream client, memory_stream server) {
    seen by_client;
    seen by_server;
    const auto both = [&]() -> task<> {
        co_await bide::when_all(be_client(c, std::move(client), by_client), be_server(s, std::move(server), by_server));
    };
    bide::with_timeout(1min, both()).wait();  // virtual: nothing may hang
    const auto check = [](const seen& what, std::size_t size) {
        const std::vector<std::byte> wanted = byte_pattern(size);
        EXPECT_LE(what.got.size(), size);
        EXPECT_TRUE(what.got.size() <= size && std::equal(what.got.begin(), what.got.end(), wanted.begin()))
            << "wrong bytes came through";
        EXPECT_TRUE(!what.ended || what.got.size() == size) << "a cut was taken for the end";
        EXPECT_NE(what.ended, static_cast<bool>(what.error)) << "neither an end nor an error";
        return what.ended;
    };
    const bool client_whole = check(by_client, answer_size);
    const bool server_whole = check(by_server, question_size);
    return client_whole && server_whole;
}

class tls_hostile : public testing::TestWithParam<tls_version> {
protected:
    static tls_options only(tls_options o) {
        o.minimum = o.maximum = GetParam();
        return o;
    }
    const tls_context client_ = tls_context::client([] {
        tls_options o = only(client_options());
        o.resume = false;  // every round alike
        return o;
    }());
    const tls_context server_ = tls_context::server(only(server_options()));
    bide::testing::virtual_time time;
};
INSTANTIATE_TEST_SUITE_P(versions, tls_hostile, testing::Values(tls_version::tls_1_2, tls_version::tls_1_3),
                         [](const auto& v) {
                             return std::string(v.param == tls_version::tls_1_2 ? "tls_1_2" : "tls_1_3");
                         });

TEST_P(tls_hostile, the_conversation_itself_works) {
    auto [client, server] = memory_stream::pair();
    EXPECT_TRUE(converse(client_, server_, std::move(client), std::move(server)));
}

// The line is cut after k bytes, for every k: of what the client sends, and of what the server sends. Elliptic
// signatures differ in length by a few bytes, so it is repeated until it comes through.
TEST_P(tls_hostile, C15_28_cut_after_every_byte) {
    for (const bool of_client : {true, false}) {
        std::size_t k = 0;
        for (bool whole = false; !whole; ++k) {
            ASSERT_LT(k, 10'000U);
            SCOPED_TRACE((of_client ? "the client's line is cut after " : "the server's line is cut after ") +
                         std::to_string(k));
            auto [client, server] = memory_stream::pair();
            (of_client ? client : server).cut_after(k);
            whole = converse(client_, server_, std::move(client), std::move(server));
            if (HasFailure()) return;
        }
        EXPECT_GT(k, 500U) << "more must have gone over the line";
    }
}

TEST_P(tls_hostile, C15_28_reset_after_every_byte) {
    for (const bool of_client : {true, false}) {
        bool whole = false;
        for (std::size_t k = 0; !whole; ++k) {
            ASSERT_LT(k, 10'000U);
            SCOPED_TRACE((of_client ? "the client resets after " : "the server resets after ") + std::to_string(k));
            auto [client, server] = memory_stream::pair();
            (of_client ? client : server).reset_after(k);
            whole = converse(client_, server_, std::move(client), std::move(server));
            if (HasFailure()) return;
        }
    }
}

/// Carries bytes from one end to the other, and does something to the byte at `at`.
task<> carry(memory_stream& from, memory_stream& to, std::size_t at, unsigned char flip) {
    std::array<std::byte, 256> buffer;
    std::size_t passed = 0;
    for (;;) {
        const auto got = co_await bide::as_result(from.read_some(buffer));
        if (got.error || got.value == 0) break;
        if (at >= passed && at < passed + got.value) buffer[at - passed] ^= std::byte{flip};
        passed += got.value;
        if (const auto sent =
                co_await bide::as_result(to.write_all(std::span<const std::byte>(buffer).first(got.value)));
            !sent.ok())
            break;
    }
    static_cast<void>(co_await bide::as_result(to.finish()));
}

/// A length that was made longer lets a side wait for bytes that do not come: nothing but a limit helps against that.
task<> within_a_minute(task<> op, seen& what) {
    try {
        co_await bide::with_timeout(1min, std::move(op));
    } catch (const bide::timed_out&) {
        what.error = std::make_error_code(std::errc::timed_out);
    }
}

// One bit of one byte is turned, of what the client or the server sends: wherever it is, no wrong byte comes through.
TEST_P(tls_hostile, C15_28_a_bit_turned_anywhere_is_noticed) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    int through = 0;
    constexpr std::size_t most = 2600;
    for (std::size_t at = 0; at < most; at += 1 + random() % 4) {
        const bool of_client = random() % 2 == 0;
        const auto flip = static_cast<unsigned char>(1U << (random() % 8));
        SCOPED_TRACE((of_client ? "client's byte " : "server's byte ") + std::to_string(at) + " ^ " +
                     std::to_string(flip));
        auto [client, near_client] = memory_stream::pair();
        auto [near_server, server] = memory_stream::pair();
        seen by_client;
        seen by_server;
        const auto all = [&]() -> task<> {
            co_await bide::when_all(within_a_minute(be_client(client_, std::move(client), by_client), by_client),
                                    within_a_minute(be_server(server_, std::move(server), by_server), by_server),
                                    carry(near_client, near_server, of_client ? at : most * 10, flip),
                                    carry(near_server, near_client, of_client ? most * 10 : at, flip));
        };
        bide::with_timeout(10min, all()).wait();
        for (const auto& [what, size] : {std::pair(&by_client, answer_size), std::pair(&by_server, question_size)}) {
            const std::vector<std::byte> wanted = byte_pattern(size);
            ASSERT_LE(what->got.size(), size);
            ASSERT_TRUE(std::equal(what->got.begin(), what->got.end(), wanted.begin()));
            ASSERT_TRUE(!what->ended || what->got.size() == size);
        }
        through += by_client.ended && by_server.ended ? 1 : 0;
    }
    EXPECT_GT(through, 0) << "past the end nothing was touched";
}

// Rubbish instead of a peer.
TEST_P(tls_hostile, C15_28_random_bytes_end_in_an_error) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 400; ++round) {
        auto [mine, theirs] = memory_stream::pair();
        std::vector<std::byte> rubbish(random() % 2000);
        for (std::byte& b : rubbish) b = static_cast<std::byte>(random());
        if (round % 3 == 1 && rubbish.size() > 5) {  // what begins like a record
            rubbish[0] = std::byte{22};
            rubbish[1] = std::byte{3};
            rubbish[2] = std::byte{3};
            rubbish[3] = std::byte{0};
        }
        theirs.write_all(rubbish).wait();
        theirs.finish().wait();
        seen what;
        if (round % 2 == 0)
            bide::with_timeout(1min, be_client(client_, std::move(mine), what)).wait();
        else
            bide::with_timeout(1min, be_server(server_, std::move(mine), what)).wait();
        ASSERT_TRUE(what.error) << round;
        ASSERT_TRUE(what.got.empty()) << round;
    }
}

TEST_P(tls_hostile, a_peer_that_speaks_http_is_told_by_name) {
    auto [mine, theirs] = memory_stream::pair();
    theirs.write_all(bytes_of("GET / HTTP/1.1\r\nHost: host.example\r\n\r\n")).wait();
    try {
        static_cast<void>(bide::tls_accept(server_, std::move(mine)).wait());
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_STREQ(e.what(), "tls handshake: http request");
    }
}

// A peer that neither reads nor closes: the last words are given up after a second.
TEST_P(tls_hostile, an_alert_that_nobody_takes_holds_up_nobody_for_long) {
    auto [client, server] = memory_stream::pair(1);
    memory_stream& peer = client;
    const auto rubbish = [](memory_stream& to) -> task<> {
        static_cast<void>(
            co_await bide::as_result(to.write_all(bytes_of("this is no TLS at all, and nothing is read either"))));
    };
    seen what;
    bide::when_all(rubbish(peer), be_server(server_, std::move(server), what)).wait();
    EXPECT_TRUE(what.error);
    EXPECT_LE(time.elapsed(), 2s);
}

}  // namespace
