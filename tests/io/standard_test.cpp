// SPDX-License-Identifier: BSL-1.0
// The standard streams, put onto everything that they may be.
#include <bide/io/buffered.hpp>
#include <bide/io/local.hpp>
#include <bide/io/pipe.hpp>
#include <bide/io/standard.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
#include <cstdio>

namespace {

using bide::bytes_of;
using bide::owned_descriptor;
using bide::task;
using bide::text_of;
using support::error_of;
using namespace std::chrono_literals;

static_assert(bide::byte_source<bide::standard_reader>);
static_assert(bide::byte_sink<bide::standard_writer>);

/// One of the standard descriptors is something else, while this lives.
class instead {
public:
    instead(int fd, int what) : fd_(fd), kept_(::fcntl(fd, F_DUPFD_CLOEXEC, 3)) {
        std::fflush(stdout);
        ::dup2(what, fd);
    }
    instead(const instead&) = delete;
    instead& operator=(const instead&) = delete;
    ~instead() {
        std::fflush(stdout);
        ::dup2(kept_.get(), fd_);
    }

private:
    int fd_;
    owned_descriptor kept_;
};

class standard : public support::no_leaks {
protected:
    support::temporary_directory dir_;
};

std::string read_input() {
    bide::standard_reader in = bide::standard_input();
    return support::read_to_end(in).wait();
}
void write_output(const std::string& text) {
    bide::standard_writer out = bide::standard_output();
    bide::write_all(out, bytes_of(text)).wait();
}

TEST_F(standard, C15_17_a_pipe_that_stays_blocking_for_others) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    owned_descriptor out(ends[0]), in(ends[1]);
    {
        const instead input(0, out.get());
        const std::string sent = support::pattern(300'000);
        std::string got;
        {
            const instead output(1, in.get());
            in.close();
            bide::with_scope([&](bide::scope& s) {
                auto write = [&]() -> task<> {
                    bide::standard_writer to = bide::standard_output();
                    co_await bide::write_all(to, bytes_of(sent));
                    ::close(1);  // the end for the reader
                };
                auto read = [&]() -> task<> {
                    bide::standard_reader from = bide::standard_input();
                    got = co_await support::read_to_end(from);
                };
                s.start(write);
                s.start(read);
            });
        }
        EXPECT_TRUE(got == sent);
        EXPECT_EQ(::fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    }
}

TEST_F(standard, C15_3_a_reader_of_a_pipe_waits_and_can_be_cancelled) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const owned_descriptor out(ends[0]), in(ends[1]);
    const instead input(0, out.get());
    bide::standard_reader from = bide::standard_input();
    std::array<std::byte, 8> buffer;
    EXPECT_THROW(bide::with_timeout(1ms, from.read_some(buffer)).wait(), bide::timed_out);
    ASSERT_EQ(::write(in.get(), "kept", 4), 4);
    EXPECT_EQ(from.read_some(buffer).wait(), 4U);
}

TEST_F(standard, C15_4_nobody_reads_is_broken_pipe_and_no_signal) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    owned_descriptor out(ends[0]);
    const owned_descriptor in(ends[1]);
    std::error_code error;
    {
        const instead output(1, in.get());
        bide::standard_writer to = bide::standard_output();
        out.close();
        error = error_of([&] { bide::write_all(to, bytes_of("x")).wait(); });
    }
    EXPECT_EQ(error, std::errc::broken_pipe);
}

TEST_F(standard, C15_17_regular_files_from_where_they_stand) {
    support::put(dir_ / "in", "skipped|the rest");
    const owned_descriptor in(::open((dir_ / "in").c_str(), O_RDONLY | O_CLOEXEC));
    const owned_descriptor out(::open((dir_ / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ASSERT_EQ(::lseek(in.get(), 8, SEEK_SET), 8);
    {
        const instead input(0, in.get());
        const instead output(1, out.get());
        write_output("before ");
        write_output(read_input());
    }
    EXPECT_EQ(support::content_of(dir_ / "out"), "before the rest");
}

TEST_F(standard, C15_17_devices) {
    const owned_descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const owned_descriptor full(::open("/dev/full", O_RDWR | O_CLOEXEC));
    std::error_code error;
    std::string got;
    {
        const instead input(0, null.get());
        got = read_input();
        const instead output(1, null.get());
        write_output("x");
    }
    {
        const instead output(1, full.get());
        error = error_of([] { write_output("x"); });
    }
    EXPECT_EQ(got, "");
    EXPECT_EQ(error, std::errc::no_space_on_device);
}

TEST_F(standard, C15_17_sockets) {
    auto [mine, theirs] = bide::local_stream::pair();
    std::string got;
    {
        const instead input(0, theirs.native_handle());
        const instead output(1, theirs.native_handle());
        mine.write_all(bytes_of("question")).wait();
        mine.finish().wait();
        write_output(read_input());
    }
    std::array<std::byte, 8> answer;
    mine.read_exactly(answer).wait();
    EXPECT_EQ(text_of(answer), "question");
}

TEST_F(standard, C15_17_a_terminal) {
    owned_descriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(static_cast<bool>(master));
    ASSERT_EQ(::grantpt(master.get()), 0);
    ASSERT_EQ(::unlockpt(master.get()), 0);
    const owned_descriptor slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(static_cast<bool>(slave));
    std::optional<std::string> line;
    std::error_code hung_up;
    {
        const instead input(0, slave.get());
        const instead output(1, slave.get());
        bide::standard_reader from = bide::standard_input();
        bide::buffered_reader lines(from);
        EXPECT_THROW(bide::with_timeout(1ms, lines.read_line()).wait(), bide::timed_out);
        ASSERT_EQ(::write(master.get(), "typed\n", 6), 6);
        line = lines.read_line().wait();
        write_output("shown\n");
        std::array<char, 64> shown{};
        std::string all;
        while (all.find("shown") == std::string::npos) {
            const ssize_t n = ::read(master.get(), shown.data(), shown.size());
            ASSERT_GT(n, 0);
            all.append(shown.data(), static_cast<std::size_t>(n));
        }
        EXPECT_EQ(::fcntl(0, F_GETFL) & O_NONBLOCK, 0) << "the shell goes on after us";
        master.close();
        std::array<std::byte, 8> rest;
        hung_up = error_of([&] { EXPECT_EQ(from.read_some(rest).wait(), 0U); });
    }
    EXPECT_EQ(line, "typed");
    EXPECT_TRUE(!hung_up || hung_up == std::errc::io_error) << hung_up.message();
}

// What cannot be opened once more is asked before each call.
TEST_F(standard, C15_17_a_descriptor_that_blocks_is_asked_first) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    bide::detail::socket_owner reads = bide::detail::own_descriptor(ends[0]);
    bide::detail::socket_owner writes = bide::detail::own_descriptor(ends[1]);
    using reading = bide::detail::read_some_op;
    using writing = bide::detail::write_all_op;
    const std::string sent = support::pattern(200'000);
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await writing(*writes.get(), bide::detail::terminal_calls, bytes_of(sent));
            writes.reset();
        };
        auto read = [&]() -> task<> {
            std::array<std::byte, 999> some;
            for (;;) {
                const std::size_t n = co_await reading(*reads.get(), bide::detail::terminal_calls, some);
                if (n == 0) co_return;
                got += text_of(std::span(some).first(n));
            }
        };
        s.start(read);
        s.start(write);
    });
    EXPECT_TRUE(got == sent);
}

TEST_F(standard, a_closed_one_is_an_error) {
    const owned_descriptor kept(::fcntl(0, F_DUPFD_CLOEXEC, 3));
    ::close(0);
    const std::error_code error = error_of([] { static_cast<void>(bide::standard_input()); });
    ::dup2(kept.get(), 0);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

}  // namespace
