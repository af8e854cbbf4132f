// SPDX-License-Identifier: BSL-1.0
// Files by the ring: what is particular to it. file_stop_test.cpp has what a stop does to it; file_test.cpp runs on
// both drivers, and has the rest.
#include "io/open_file.hpp"

#include <bide/io/file.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/strand.hpp>

#include "support/file_steps.hpp"
#include "support/io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace {

using bide::file;
using bide::open_mode;
using bide::task;
using support::has_ring;
using support::read_step;
using support::slow_disk;

class files_in_ring : public support::no_leaks {
protected:
    support::temporary_directory dir_;
};

TEST_F(files_in_ring, a_step_gives_what_the_system_call_gives_or_says_that_there_is_no_ring) {
    const slow_disk disk;
    disk.comes("abc");
    bide::loop l;
    std::array<std::byte, 8> to{};
    auto n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
    l.run();
    if (!has_ring(l)) {
        EXPECT_EQ(n.value(), -EAGAIN);
        return;
    }
    EXPECT_EQ(n.value(), 3);
    EXPECT_EQ(bide::text_of(std::span<const std::byte>(to).first(3)), "abc");
    auto none = l.submit(read_step, -1, std::span<std::byte>(to));
    l.run();
    EXPECT_EQ(none.value(), -EBADF);
}

// On both drivers, and above a loop: nobody else is asked.
TEST_F(files_in_ring, what_is_in_the_systems_cache_is_read_at_once) {
    support::put(dir_ / "f", "content");
    const int fd = ::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC);
    std::array<std::byte, 8> to{};
    const iovec again{to.data(), to.size()};
    if (::preadv2(fd, &again, 1, 0, RWF_NOWAIT) < 0) {
        ::close(fd);
        GTEST_SKIP() << "this file system does not tell what is in the cache";
    }
    to = {};
    bide::loop l;
    bool gave_way = false;
    auto n = l.submit(read_step, fd, std::span<std::byte>(to));
    auto next = l.submit(
        [](const bide::future<int>& f, bool& waited) -> task<> {
            waited = f.status() == bide::future_status::pending;  // it would have to come after this one
            co_return;
        },
        std::cref(n), std::ref(gave_way));
    l.run();
    EXPECT_EQ(n.value(), 7);
    EXPECT_FALSE(gave_way);
    EXPECT_EQ(bide::text_of(std::span<const std::byte>(to).first(7)), "content");
    next.value();
    ::close(fd);
}

TEST_F(files_in_ring, on_an_executor_above_the_loop_it_is_left_to_threads) {
    const slow_disk disk;
    disk.comes("abc");
    bide::loop_thread base;
    base.start();
    std::array<std::byte, 8> to{};
    {
        bide::strand above(base.get_executor());
        EXPECT_EQ(above.submit(read_step, disk.ends[0], std::span<std::byte>(to)).wait(), -EAGAIN);
    }
}

TEST_F(files_in_ring, close_meanwhile_lets_it_end) {
    support::put(dir_ / "f", "content");
    const int fd = ::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC);
    bide::detail::open_file f(fd, dir_ / "f");
    {
        const bide::detail::open_file::user holding(f);
        f.close();
        EXPECT_EQ(f.descriptor(), -1);
        EXPECT_GE(::fcntl(holding.fd(), F_GETFD), 0) << "open while it is used";
        EXPECT_EQ(support::error_of([&] { const bide::detail::open_file::user another(f); }),
                  std::errc::bad_file_descriptor);
    }
    EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST_F(files_in_ring, around_the_size_from_which_threads_are_taken) {
    constexpr std::size_t border = std::size_t{256} << 10;
    const std::string all = support::pattern(border + 2);
    support::put(dir_ / "f", all);
    for (const std::size_t size : {border - 1, border, border + 1}) {
        file f = file::open(dir_ / "f", open_mode::read_write).wait();
        file copy = file::open(dir_ / "copy", open_mode::read_write | open_mode::create | open_mode::truncate).wait();
        std::vector<std::byte> got(size);
        bide::with_scope([&](bide::scope& s) {
            s.start([&]() -> task<> {
                EXPECT_EQ(co_await f.read_at(1, got), size);
                co_await copy.write_at(0, got);
                co_await copy.sync();
            });
        });
        EXPECT_EQ(support::content_of(dir_ / "copy"), all.substr(1, size));
    }
}

TEST_F(files_in_ring, more_at_once_than_a_batch_holds) {
    constexpr std::size_t count = 3000;
    const std::string all = support::pattern(count * 16);
    support::put(dir_ / "f", all);
    file f = file::open(dir_ / "f").wait();
    std::string got(all.size(), '?');
    bide::with_scope([&](bide::scope& s) {
        for (std::size_t i = 0; i < count; ++i)
            s.start([&, i]() -> task<> {
                const auto to = std::as_writable_bytes(std::span(got)).subspan(i * 16, 16);
                EXPECT_EQ(co_await f.read_at(i * 16, to), 16U);
            });
    });
    EXPECT_EQ(got, all);
}

TEST_F(files_in_ring, the_last_offset_there_is) {
    file f = file::open(dir_ / "f", open_mode::read_write | open_mode::create).wait();
    constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    std::array<std::byte, 4> to{};
    EXPECT_EQ(f.read_at(last - 4, to).wait(), 0U);
    EXPECT_EQ(f.read_at(last, std::span<std::byte>()).wait(), 0U);
    EXPECT_EQ(support::error_of([&] { f.write_at(last - 3, to).wait(); }), std::errc::invalid_argument);
}

}  // namespace
