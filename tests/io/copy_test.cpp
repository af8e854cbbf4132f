// SPDX-License-Identifier: BSL-1.0
#include <bide/io/copy.hpp>
#include <bide/io/file.hpp>
#include <bide/io/local.hpp>
#include <bide/io/memory_stream.hpp>
#include <bide/io/pipe.hpp>
#include <bide/io/tcp.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <csignal>

namespace {

using bide::bytes_of;
using bide::task;
using support::error_of;
using support::turn;
using support::turn_until;

class copying : public support::no_leaks {};

static_assert(bide::detail::has_descriptor<bide::tcp_stream> && bide::detail::has_descriptor<bide::pipe_reader>);
static_assert(!bide::detail::has_descriptor<bide::memory_stream>);

/// Writes into `in`, copies `from` to `to`, reads out of `out`.
template <class In, class From, class To, class Out>
void all_through(In& in, From& from, To& to, Out& out, std::size_t size) {
    const std::string sent = support::pattern(size);
    std::string got;
    std::uint64_t copied = 0;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await in.write_all(bytes_of(sent));
            in.close();
        };
        auto middle = [&]() -> task<> {
            copied = co_await bide::copy(from, to);
            to.close();
        };
        auto read = [&]() -> task<> { got = co_await support::read_to_end(out); };
        s.start(write);
        s.start(middle);
        s.start(read);
    });
    EXPECT_EQ(copied, size);
    EXPECT_TRUE(got == sent);
}

struct tcp_pair {
    bide::tcp_stream a, b;
    tcp_pair() {
        bide::tcp_listener at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
        a = bide::tcp_stream::connect(at.endpoint()).wait();
        b = at.accept().wait();
    }
};

TEST_F(copying, C15_14_between_descriptors_of_all_kinds) {
    {
        tcp_pair x, y;
        all_through(x.a, x.b, y.a, y.b, 5'000'000);
    }
    {
        tcp_pair x;
        auto [out, in] = bide::make_pipe();
        all_through(x.a, x.b, in, out, 1'000'000);
    }
    {
        auto [out, in] = bide::make_pipe();
        auto [a, b] = bide::local_stream::pair();
        all_through(in, out, a, b, 1'000'000);
    }
    {
        auto [a, b] = bide::local_stream::pair();
        auto [c, d] = bide::local_stream::pair();
        all_through(a, b, c, d, 1'000'000);
    }
}

TEST_F(copying, C15_14_between_what_is_in_the_program_and_what_is_not) {
    auto [a, b] = bide::memory_stream::pair(100);
    auto [c, d] = bide::memory_stream::pair(64);
    all_through(a, b, c, d, 10'000);
    auto [e, f] = bide::memory_stream::pair(100);
    tcp_pair x;
    all_through(e, f, x.a, x.b, 300'000);
}

TEST_F(copying, C15_14_a_file_goes_out) {
    const support::temporary_directory dir;
    const std::string all = support::pattern(500'000);
    support::put(dir / "f", all);
    auto [a, b] = bide::memory_stream::pair();
    std::string got;
    bide::with_scope([&, &to = a, &out = b](bide::scope& s) {
        auto send = [&]() -> task<> {
            bide::file f = co_await bide::file::open(dir / "f");
            bide::file_stream from(f);
            static_cast<void>(co_await bide::copy(from, to));
            co_await to.finish();
        };
        auto read = [&]() -> task<> { got = co_await support::read_to_end(out); };
        s.start(send);
        s.start(read);
    });
    EXPECT_TRUE(got == all);
}

TEST_F(copying, what_a_cancelled_read_had_given_back_is_copied_first) {
    tcp_pair x;
    auto [out, in] = bide::make_pipe();
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto read = l.submit([&]() -> task<> { co_await x.b.read_exactly(buffer); });
    turn(l, 2);
    x.a.write_all(bytes_of("one ")).wait();
    turn(l, 3);
    read.stop();
    turn_until(l, read);
    x.a.write_all(bytes_of("two")).wait();
    x.a.close();
    EXPECT_EQ(bide::copy(x.b, in).wait(), 7U);
    in.close();
    EXPECT_EQ(support::read_to_end(out).wait(), "one two");
}

TEST_F(copying, C15_4_nobody_reads_is_broken_pipe_and_no_signal) {
    tcp_pair x;
    auto [out, in] = bide::make_pipe();
    out.close();
    x.a.write_all(bytes_of("lost")).wait();
    EXPECT_EQ(error_of([&, &to = in] { static_cast<void>(bide::copy(x.b, to).wait()); }), std::errc::broken_pipe);
    tcp_pair y;
    auto [in_out, in_in] = bide::make_pipe();
    y.b.close();
    std::error_code error;
    for (int i = 0; i < 100 && !error; ++i) {  // the reset has to come back first
        in_in.write_all(bytes_of("lost")).wait();
        bide::loop l;
        auto copy = l.submit([&, &from = in_out]() -> task<> { static_cast<void>(co_await bide::copy(from, y.a)); });
        turn(l, 3);
        copy.stop();
        turn_until(l, copy);
        if (copy.status() == bide::future_status::failed) error = error_of([&] { copy.value(); });
    }
    EXPECT_TRUE(error == std::errc::broken_pipe || error == std::errc::connection_reset) << error.message();
}

TEST_F(copying, cancelled_at_every_step_it_leaks_nothing) {
    bool ended = false;
    for (int k = 0; !ended; ++k) {
        ASSERT_LT(k, 5000);
        tcp_pair x, y;
        bide::loop l;
        auto write = l.submit([&]() -> task<> {
            co_await x.a.write_all(bytes_of(support::pattern(200'000)));
            x.a.close();
        });
        auto copy = l.submit([&]() -> task<std::uint64_t> { co_return co_await bide::copy(x.b, y.a); });
        auto read = l.submit([&]() -> task<> { static_cast<void>(co_await support::read_to_end(y.b)); });
        turn(l, k);
        ended = copy.status() == bide::future_status::succeeded;
        copy.stop();
        turn_until(l, copy);
        ASSERT_NE(copy.status(), bide::future_status::failed);
        write.stop();
        read.stop();
        l.run();
    }
}

}  // namespace
