// SPDX-License-Identifier: BSL-1.0
// What a ring has received before anybody asked, and a reader that goes by readiness afterwards: into several buffers,
// by copy, in large. No byte is lost or comes in another order, and the end and the failure are told.
#include <bide/io/copy.hpp>
#include <bide/io/pipe.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tcp_options.hpp>
#include <bide/loop.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <array>
#include <cstdio>
#include <optional>
#include <random>
#include <thread>

namespace {

using bide::bytes_of;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using bide::text_of;
using support::error_of;
using support::turn;
using support::turn_until;

class received_ahead : public support::no_leaks {
protected:
    void SetUp() override {
        no_leaks::SetUp();
        tcp_listener at = tcp_listener::listen(bide::ip_endpoint::loopback(0));
        peer_ = tcp_stream::connect(at.endpoint()).wait();
        ours_ = at.accept().wait();
        l_.emplace();
    }
    void TearDown() override {
        l_.reset();
        peer_ = {};
        ours_ = {};
        no_leaks::TearDown();
    }
    /// Two bytes by the ring, which goes on receiving then.
    void begin() {
        std::array<std::byte, 2> two;
        auto read = l_->submit([&]() -> task<> { co_await ours_.read_exactly(two); });
        turn(*l_, 2);
        peer_.write_all(bytes_of("ab")).wait();
        turn_until(*l_, read);
        EXPECT_EQ(text_of(two), "ab");
    }
    task<std::string> scatter() {
        std::array<std::byte, 3> a;
        std::array<std::byte, 64> b;
        const std::span<std::byte> into[] = {a, b};
        const std::size_t n = co_await bide::read_some_into(ours_, into);
        std::string all(text_of(a));
        all += text_of(b);
        co_return all.substr(0, n);
    }
    std::string scattered() {
        auto read = l_->submit([this] { return scatter(); });
        turn_until(*l_, read);
        return read.value();
    }
    void reset() {
        peer_.set_reset_on_close(true);
        peer_.close();
    }

    tcp_stream peer_, ours_;
    std::optional<bide::loop> l_;
};

// ---- into several buffers -----------------------------------------------------------------------------------------

TEST_F(received_ahead, C15_10_is_scattered_first_and_then_what_comes) {
    begin();
    peer_.write_all(bytes_of("one-two")).wait();
    turn(*l_, 3);
    EXPECT_EQ(scattered(), "one-two");
    auto waiting = l_->submit([this] { return scatter(); });
    turn(*l_, 3);
    EXPECT_EQ(waiting.status(), bide::future_status::pending);
    peer_.write_all(bytes_of("three")).wait();
    turn_until(*l_, waiting);
    EXPECT_EQ(waiting.value(), "three");
}

TEST_F(received_ahead, C15_10_of_a_cancelled_scatter_nothing_is_lost) {
    begin();
    for (int turns = 0; turns < 4; ++turns) {
        auto cancelled = l_->submit([this] { return scatter(); });
        turn(*l_, turns);
        cancelled.stop();
        turn_until(*l_, cancelled);
        ASSERT_EQ(cancelled.status(), bide::future_status::cancelled);
        peer_.write_all(bytes_of("kept")).wait();
        turn(*l_, turns);
        EXPECT_EQ(scattered(), "kept");
        begin();
    }
}

TEST_F(received_ahead, the_end_is_told_to_a_scatter) {
    begin();
    peer_.write_all(bytes_of("last")).wait();
    peer_.close();
    turn(*l_, 3);
    EXPECT_EQ(scattered(), "last");
    EXPECT_EQ(scattered(), "");
    EXPECT_EQ(scattered(), "");
}

TEST_F(received_ahead, a_reset_is_told_to_a_scatter_and_is_no_end) {
    begin();
    reset();
    turn(*l_, 3);
    EXPECT_EQ(error_of([&] { scattered(); }), std::errc::connection_reset);
}

// ---- by copy ------------------------------------------------------------------------------------------------------

TEST_F(received_ahead, C15_10_is_copied_first_and_then_what_comes) {
    begin();
    peer_.write_all(bytes_of("one-two-")).wait();
    turn(*l_, 3);
    auto [out, in] = bide::make_pipe();
    auto copy = l_->submit([this, &to = in]() -> task<std::uint64_t> { co_return co_await bide::copy(ours_, to); });
    turn(*l_, 3);
    peer_.write_all(bytes_of("three")).wait();
    turn(*l_, 3);
    peer_.close();
    turn_until(*l_, copy);
    EXPECT_EQ(copy.value(), 13U);
    in.close();
    EXPECT_EQ(support::read_to_end(out).wait(), "one-two-three");
}

TEST_F(received_ahead, a_reset_ends_a_copy_with_an_error) {
    begin();
    reset();
    turn(*l_, 3);
    auto [out, in] = bide::make_pipe();
    auto copy = l_->submit([this, &to = in]() -> task<std::uint64_t> { co_return co_await bide::copy(ours_, to); });
    turn_until(*l_, copy);
    EXPECT_EQ(error_of([&] { static_cast<void>(copy.value()); }), std::errc::connection_reset);
}

// ---- everything by turns ------------------------------------------------------------------------------------------

// Every kind of reading, here and on other loops, some of it stopped on its way, while bytes arrive: they are those
// that were sent.
TEST_F(received_ahead, C15_10_whoever_reads_and_is_stopped_the_bytes_stay_in_order) {
    const std::uint32_t seed = std::random_device()();
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    const auto up_to = [&random](std::size_t most) {
        return std::uniform_int_distribution<std::size_t>(0, most)(random);
    };
    const std::string sent = support::pattern(3'000'000);
    std::size_t written = 0;
    std::string got;
    std::vector<std::byte> buffer(200'000);
    std::vector<std::byte> other(1000);
    const auto write = [&](std::size_t n) {
        n = std::min(n, sent.size() - written);
        const ssize_t took = ::send(peer_.native_handle(), sent.data() + written, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (took > 0) written += static_cast<std::size_t>(took);
    };
    const auto read = [&](std::size_t kind, std::size_t n) -> task<> {
        const std::span<std::byte> to = std::span(buffer).first(n);
        if (kind == 0) {
            const std::size_t all = co_await ours_.read_some(to);
            got += text_of(to.first(all));
        } else if (kind == 1) {
            co_await ours_.read_exactly(to);
            got += text_of(to);
        } else {
            const std::span<std::byte> into[] = {std::span(other).first(n % 1000), to};
            const std::size_t all = co_await bide::read_some_into(ours_, into);
            const std::size_t first = std::min(all, into[0].size());
            got += text_of(into[0].first(first));
            got += text_of(to.first(all - first));
        }
    };
    while (got.size() < sent.size() - 250'000) {
        write(up_to(1) == 0 ? up_to(50) : up_to(150'000));
        // Little goes by the ring, much by readiness.
        const std::size_t n = 1 + (up_to(2) == 0 ? up_to(199'999) : up_to(300));
        const std::size_t kind = up_to(2);
        if (up_to(9) == 0) {
            while (written < got.size() + n) write(n);
            std::thread([&] { read(kind, n).wait(); }).join();
            continue;
        }
        auto f = l_->submit(read, kind, n);
        turn(*l_, static_cast<int>(up_to(3)));
        write(up_to(100));
        if (up_to(1) == 0) {
            f.stop();
            turn_until(*l_, f);
        } else {
            while (f.status() == bide::future_status::pending) {
                write(n);
                l_->poll();
            }
        }
        ASSERT_NE(f.status(), bide::future_status::failed) << bide::describe(f.state().failure());
        ASSERT_LE(got.size(), written);
        ASSERT_TRUE(std::string_view(got) == std::string_view(sent).substr(0, got.size()));
    }
    auto [out, in] = bide::make_pipe();
    auto copy = l_->submit([this, &to = in]() -> task<> {
        static_cast<void>(co_await bide::copy(ours_, to));
        to.close();
    });
    auto rest = l_->submit([&from = out] { return support::read_to_end(from); });
    while (written < sent.size()) {
        write(up_to(10'000));
        l_->poll();
    }
    peer_.close();
    l_->run();
    got += rest.value();
    EXPECT_TRUE(got == sent);
    copy.value();
}

}  // namespace
