// SPDX-License-Identifier: BSL-1.0
#include <bide/io/pipe.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

namespace {

using bide::bytes_of;
using bide::task;
using bide::text_of;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

static_assert(bide::byte_source<bide::pipe_reader> && !bide::byte_sink<bide::pipe_reader>);
static_assert(bide::byte_sink<bide::pipe_writer> && !bide::byte_source<bide::pipe_writer>);

class pipe : public support::no_leaks {
protected:
    void SetUp() override {
        no_leaks::SetUp();
        auto ends = bide::make_pipe();
        out_ = std::move(ends.first);
        in_ = std::move(ends.second);
    }
    void TearDown() override {
        out_ = {};
        in_ = {};
        no_leaks::TearDown();
    }
    /// Fills it: the next write has to wait.
    std::size_t stuff() const {
        const std::string junk(4096, 'x');
        std::size_t all = 0;
        for (ssize_t n = 0; (n = ::write(in_.native_handle(), junk.data(), junk.size())) > 0;)
            all += static_cast<std::size_t>(n);
        return all;
    }
    bide::pipe_reader out_;
    bide::pipe_writer in_;
};

TEST_F(pipe, what_goes_in_comes_out) {
    in_.write_all(bytes_of("hello")).wait();
    std::array<std::byte, 5> got;
    out_.read_exactly(got).wait();
    EXPECT_EQ(text_of(got), "hello");
    EXPECT_EQ(in_.write_some(bytes_of("x")).wait(), 1U);
    EXPECT_EQ(out_.read_some(got).wait(), 1U);
    EXPECT_NE(::fcntl(in_.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(out_.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    in_.close();
    EXPECT_EQ(out_.read_some(got).wait(), 0U);
    const auto early = bide::as_result(out_.read_exactly(got)).wait();
    EXPECT_EQ(early.error, bide::io_errc::end_of_stream);
}

TEST_F(pipe, much_goes_through) {
    const std::string sent = support::pattern(30'000'000);
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await in_.write_all(bytes_of(sent));
            in_.close();
        };
        auto read = [&]() -> task<> { got = co_await support::read_to_end(out_); };
        s.start(write);
        s.start(read);
    });
    EXPECT_TRUE(got == sent);
}

TEST_F(pipe, C15_4_nobody_reads_is_broken_pipe_and_no_signal) {
    out_.close();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(error_of([&] { in_.write_all(bytes_of("x")).wait(); }), std::errc::broken_pipe);
    sigset_t pending;
    ASSERT_EQ(::sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST_F(pipe, C15_4_a_reader_that_goes_while_we_wait_is_broken_pipe) {
    stuff();
    bide::loop l;
    auto write = l.submit([&]() -> task<> { co_await in_.write_all(bytes_of("more")); });
    turn(l, 3);
    EXPECT_EQ(write.status(), bide::future_status::pending);
    out_.close();
    turn_until(l, write);
    EXPECT_EQ(error_of([&] { write.value(); }), std::errc::broken_pipe);
}

TEST_F(pipe, C15_3_a_cancelled_read_gives_back_what_it_had) {
    bide::loop l;
    std::array<std::byte, 6> six;
    for (const char* part : {"ab", "cd"}) {
        auto read = l.submit([&]() -> task<> { co_await out_.read_exactly(six); });
        turn(l, 2);
        in_.write_all(bytes_of(part)).wait();
        turn(l, 3);
        EXPECT_EQ(read.status(), bide::future_status::pending);
        read.stop();
        turn_until(l, read);
        EXPECT_EQ(read.status(), bide::future_status::cancelled);
    }
    in_.write_all(bytes_of("ef")).wait();
    out_.read_exactly(six).wait();
    EXPECT_EQ(text_of(six), "abcdef");
}

TEST_F(pipe, C15_3_a_cancelled_write_that_was_cut_refuses_to_go_on) {
    bide::loop l;
    const std::string much = support::pattern(1'000'000);
    auto cut = l.submit([&]() -> task<> { co_await in_.write_all(bytes_of(much)); });
    turn(l, 5);
    EXPECT_EQ(cut.status(), bide::future_status::pending);
    cut.stop();
    turn_until(l, cut);
    EXPECT_EQ(cut.status(), bide::future_status::cancelled);
    EXPECT_EQ(bide::as_result(in_.write_all(bytes_of("x"))).wait().error, bide::io_errc::write_cut);
    in_.close();
    const std::string got = support::read_to_end(out_).wait();
    ASSERT_FALSE(got.empty());
    EXPECT_TRUE(got == much.substr(0, got.size()));
}

TEST_F(pipe, C15_3_a_cancelled_write_that_wrote_nothing_harms_nothing) {
    const std::size_t before = stuff();
    bide::loop l;
    auto all = l.submit([&]() -> task<> { co_await in_.write_all(bytes_of("never")); });
    turn(l, 3);
    all.stop();
    turn_until(l, all);
    std::string got(before, '\0');
    out_.read_exactly(std::as_writable_bytes(std::span(got))).wait();
    in_.write_all(bytes_of("end")).wait();
    in_.close();
    EXPECT_EQ(support::read_to_end(out_).wait(), "end");
}

TEST_F(pipe, a_deadline_ends_a_wait) {
    std::array<std::byte, 1> one;
    EXPECT_THROW(bide::with_timeout(1ms, out_.read_some(one)).wait(), bide::timed_out);
}

TEST_F(pipe, C15_6_closing_ends_what_is_pending) {
    stuff();
    bide::loop l;
    auto ends = bide::make_pipe();
    std::array<std::byte, 8> buffer;
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await ends.first.read_some(buffer); });
    auto write = l.submit([&]() -> task<> { co_await in_.write_all(bytes_of("x")); });
    turn(l, 3);
    ends.first.close();
    in_ = {};
    l.run();
    EXPECT_EQ(error_of([&] { read.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(error_of([&] { write.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(error_of([&] { ends.first.read_some(buffer).wait(); }), std::errc::bad_file_descriptor);
    EXPECT_THROW(in_.write_all(bytes_of("x")).wait(), bide::usage_error);
}

TEST_F(pipe, C15_8_there_is_no_pipe_in_virtual_time) {
    std::thread([&] {
        const bide::testing::virtual_time time;
        std::array<std::byte, 8> buffer;
        EXPECT_THROW(out_.read_some(buffer).wait(), std::logic_error);
    }).join();
}

// A FIFO's end is not for ever: somebody may open it for writing again. (A reader that takes the end for good would
// spin, or read nothing more.)
TEST_F(pipe, a_fifo_that_is_opened_again_is_read_again) {
    const support::temporary_directory dir;
    const std::string path = dir / "fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    bide::pipe_reader fifo = bide::pipe_reader::adopt(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    bide::loop l;
    std::array<std::byte, 8> buffer;
    auto first = [&]() -> task<std::size_t> { co_return co_await fifo.read_some(buffer); };
    for (int round = 0; round < 3; ++round) {
        {
            const int in = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
            ASSERT_GE(in, 0);
            auto read = l.submit(first);
            turn(l, 3);
            EXPECT_EQ(read.status(), bide::future_status::pending);
            ASSERT_EQ(::write(in, "abc", 3), 3);
            turn_until(l, read);
            EXPECT_EQ(read.value(), 3U);
            auto end = l.submit(first);
            turn(l, 3);
            EXPECT_EQ(end.status(), bide::future_status::pending);
            ::close(in);
            turn_until(l, end);
            EXPECT_EQ(end.value(), 0U);
        }
    }
}

// Reader and writer on threads of their own, deadlines all the time: nothing is lost, nothing comes twice.
TEST_F(pipe, C15_3_cancelled_at_random_nothing_is_lost) {
    const std::string sent = support::pattern(300'000);
    std::string got;
    std::thread writing([&] {
        in_.write_all(bytes_of(sent)).wait();
        in_.close();
    });
    std::uint32_t random = 4711;
    std::vector<std::byte> some(5000);
    for (bool over = false; !over;) {
        random = random * 1664525U + 1013904223U;
        const std::size_t n = 1 + (random >> 8U) % some.size();
        try {
            const auto r = bide::with_timeout(std::chrono::microseconds(random >> 27U),
                                              bide::as_result(out_.read_exactly(std::span(some).first(n))))
                               .wait();
            got += text_of(std::span(some).first(r.value));
            over = r.error == bide::io_errc::end_of_stream;
        } catch (const bide::timed_out&) {}
    }
    writing.join();
    EXPECT_TRUE(got == sent);
}

}  // namespace
