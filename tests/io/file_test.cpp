// SPDX-License-Identifier: BSL-1.0
#include <bide/io/file.hpp>
#include <bide/io/stream.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"
#include "support/threads.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <optional>

namespace {

namespace fs = std::filesystem;
using bide::bytes_of;
using bide::file;
using bide::file_kind;
using bide::open_mode;
using bide::task;
using bide::text_of;
using support::content_of;
using support::error_of;
using support::put;
using namespace std::chrono_literals;

class files : public support::no_leaks {
protected:
    support::temporary_directory dir_;
    fs::path at(const char* name) const { return dir_ / name; }
};

TEST_F(files, C15_18_written_and_read_at_offsets) {
    file f = file::open(at("f"), open_mode::read_write | open_mode::create).wait();
    f.write_at(5, bytes_of("world")).wait();
    f.write_at(0, bytes_of("hello")).wait();
    std::array<std::byte, 8> got;
    EXPECT_EQ(f.read_at(0, got).wait(), 8U);
    EXPECT_EQ(text_of(got), "hellowor");
    EXPECT_EQ(f.read_at(8, got).wait(), 2U) << "fewer at the end";
    EXPECT_EQ(f.read_at(100, got).wait(), 0U);
    EXPECT_EQ(f.information().wait().size, 10U);
    f.set_size(3).wait();
    f.sync().wait();
    f.sync_content().wait();
    EXPECT_EQ(content_of(at("f")), "hel");
    EXPECT_EQ(error_of([&] { f.write_at(~0ULL, bytes_of("x")).wait(); }), std::errc::invalid_argument);
}

TEST_F(files, the_modes_of_opening) {
    put(at("old"), "old");
    EXPECT_EQ(error_of([&] { static_cast<void>(file::open(at("none")).wait()); }),
              std::errc::no_such_file_or_directory);
    EXPECT_EQ(error_of([&] {
                  static_cast<void>(
                      file::open(at("old"), open_mode::write | open_mode::create | open_mode::exclusive).wait());
              }),
              std::errc::file_exists);
    file append = file::open(at("old"), open_mode::append).wait();
    append.write_at(0, bytes_of("er")).wait();
    EXPECT_EQ(content_of(at("old")), "older");
    static_cast<void>(file::open(at("old"), open_mode::write | open_mode::truncate).wait());
    EXPECT_EQ(content_of(at("old")), "");
    file reads = file::open(at("old")).wait();
    EXPECT_EQ(error_of([&] { reads.write_at(0, bytes_of("x")).wait(); }), std::errc::bad_file_descriptor);
    static_cast<void>(file::open(at("mine"), open_mode::write | open_mode::create, 0600).wait());
    EXPECT_EQ(bide::path_information(at("mine")).wait().permissions, 0600U);
}

TEST_F(files, C15_2_what_is_no_file_is_refused_and_named) {
    try {
        static_cast<void>(file::open(dir_.path()).wait());
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::is_a_directory);
        EXPECT_NE(std::string(e.what()).find(dir_.path()), std::string::npos) << e.what();
    }
    ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
    EXPECT_EQ(error_of([&] { static_cast<void>(file::open(at("fifo")).wait()); }), std::errc::invalid_seek);
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::read_file(at("fifo")).wait()); }), std::errc::invalid_seek);
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::read_file(dir_.path()).wait()); }), std::errc::is_a_directory);
    EXPECT_EQ(error_of([&] { bide::write_file(dir_.path(), "x").wait(); }), std::errc::is_a_directory);
    EXPECT_EQ(error_of([&] { bide::append_file(dir_.path(), "x").wait(); }), std::errc::is_a_directory);
    EXPECT_EQ(bide::as_result(bide::read_file(at("none"))).wait().error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(bide::as_result(bide::write_file(at("no/where"), "x")).wait(), std::errc::no_such_file_or_directory);
}

TEST_F(files, a_full_disk_is_an_error) {
    file full = file::open("/dev/full", open_mode::write).wait();
    EXPECT_EQ(error_of([&] { full.write_at(0, bytes_of("x")).wait(); }), std::errc::no_space_on_device);
    EXPECT_EQ(error_of([&] { bide::write_file("/dev/full", "x").wait(); }), std::errc::no_space_on_device);
    EXPECT_TRUE(fs::exists("/dev/full"));
    EXPECT_EQ(error_of([&] { bide::append_file("/dev/full", "x").wait(); }), std::errc::no_space_on_device);
}

// A file that cannot be replaced stays what it was, and nothing is left beside it.
TEST_F(files, C15_18_a_write_file_that_fails_leaves_the_old_content) {
    const fs::path disk = at("disk");
    ASSERT_TRUE(fs::create_directory(disk));
    if (::mount("none", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
        ASSERT_EQ(errno, EPERM) << "only root may mount; /dev/full is the test for everybody else";
        return;
    }
    put(disk / "f", "old");
    EXPECT_EQ(error_of([&] { bide::write_file(disk / "f", std::string(200'000, 'x')).wait(); }),
              std::errc::no_space_on_device);
    EXPECT_EQ(content_of(disk / "f"), "old");
    EXPECT_EQ(bide::list_directory(disk).wait().size(), 1U);
    ASSERT_EQ(::umount(disk.c_str()), 0);
}

TEST_F(files, C15_18_whole_files) {
    const std::string all = support::pattern(1'000'003);
    bide::write_file(at("f"), all).wait();
    EXPECT_TRUE(bide::read_file(at("f")).wait() == all);
    EXPECT_TRUE(bide::read_file(at("f"), all.size()).wait() == all);
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::read_file(at("f"), all.size() - 1).wait()); }),
              bide::io_errc::too_much);
    EXPECT_FALSE(bide::read_file("/proc/self/status").wait().empty()) << "its size is said to be 0";
    bide::append_file(at("log"), "one\n").wait();
    bide::append_file(at("log"), "two\n").wait();
    EXPECT_EQ(bide::read_file(at("log")).wait(), "one\ntwo\n");
    bide::write_file(at("empty"), "").wait();
    EXPECT_EQ(bide::read_file(at("empty")).wait(), "");
    EXPECT_EQ(bide::list_directory(dir_.path()).wait().size(), 3U) << "no temporary file is left";
}

TEST_F(files, C15_18_replacing_keeps_the_permissions_and_follows_links) {
    put(at("f"), "old");
    ASSERT_EQ(::chmod(at("f").c_str(), 0640), 0);
    fs::create_symlink("f", at("link"));
    bide::write_file(at("link"), "new").wait();
    EXPECT_TRUE(fs::is_symlink(at("link")));
    EXPECT_EQ(content_of(at("f")), "new");
    EXPECT_EQ(bide::path_information(at("f")).wait().permissions, 0640U);
    const mode_t before = ::umask(027);
    bide::write_file(at("fresh"), "x").wait();
    ::umask(before);
    EXPECT_EQ(bide::path_information(at("fresh")).wait().permissions, 0640U);
}

// A reader that reads while a file is replaced finds the old content or the new one.
TEST_F(files, C15_18_a_reader_never_sees_half_a_file) {
    const std::string a(100'000, 'a'), b(150'000, 'b');
    bide::write_file(at("f"), a).wait();
    bool over = false;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            for (int i = 0; i < 30; ++i) {
                co_await bide::write_file(at("f"), i % 2 == 0 ? b : a);
            }
            over = true;
        };
        auto read = [&]() -> task<> {
            while (!over) {
                const std::string now = co_await bide::read_file(at("f"));
                EXPECT_TRUE(now == a || now == b) << now.size();
            }
        };
        s.start(write);
        s.start(read);
    });
}

TEST_F(files, names) {
    put(at("a"), "a");
    bide::rename_file(at("a"), at("b")).wait();
    EXPECT_EQ(error_of([&] { bide::rename_file(at("a"), at("c")).wait(); }), std::errc::no_such_file_or_directory);
    EXPECT_TRUE(bide::remove_file(at("b")).wait());
    EXPECT_FALSE(bide::remove_file(at("b")).wait());
    bide::make_directories(at("x/y/z")).wait();
    bide::make_directories(at("x/y/z")).wait();
    put(at("x/y/f"), "1");
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::remove_file(at("x")).wait()); }), std::errc::directory_not_empty);
    EXPECT_TRUE(bide::remove_file(at("x/y/z")).wait()) << "an empty directory";
    put(at("f"), "f");
    EXPECT_TRUE(error_of([&] { bide::make_directories(at("f/x")).wait(); }));
    EXPECT_EQ(bide::remove_tree(at("x")).wait(), 3U);
    EXPECT_EQ(bide::remove_tree(at("x")).wait(), 0U);
}

TEST_F(files, information_is_of_the_file_or_of_the_link) {
    put(at("f"), "12345");
    fs::create_symlink("f", at("link"));
    fs::create_symlink("nowhere", at("broken"));
    const bide::file_information f = bide::path_information(at("link")).wait();
    EXPECT_EQ(f.kind, file_kind::regular);
    EXPECT_EQ(f.size, 5U);
    EXPECT_EQ(f.owner, ::getuid());
    EXPECT_EQ(f.links, 1U);
    EXPECT_LT(std::chrono::system_clock::now() - f.modified, 1h);
    EXPECT_EQ(bide::link_information(at("link")).wait().kind, file_kind::symbolic_link);
    EXPECT_EQ(bide::path_information(dir_.path()).wait().kind, file_kind::directory);
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::path_information(at("broken")).wait()); }),
              std::errc::no_such_file_or_directory);
    const file opened = file::open(at("f")).wait();
    file moved = file::open(at("f")).wait();
    EXPECT_EQ(moved.information().wait().number, f.number);
}

TEST_F(files, directories_are_listed) {
    put(at("b"), "");
    put(at("a b"), "");
    fs::create_directories(at("d/e"));
    put(at("d/e/f"), "");
    fs::create_symlink(dir_.path(), at("d/up"));
    ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
    const auto here = bide::list_directory(dir_.path()).wait();
    ASSERT_EQ(here.size(), 4U);
    EXPECT_EQ(here[0].path, at("a b"));
    EXPECT_EQ(here[1].path, at("b"));
    EXPECT_EQ(here[1].kind, file_kind::regular);
    EXPECT_EQ(here[2].kind, file_kind::directory);
    EXPECT_EQ(here[3].kind, file_kind::fifo);
    const auto all = bide::list_tree(dir_.path()).wait();
    EXPECT_EQ(all.size(), 7U) << "a link that leads up is not followed";
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::list_directory(at("b")).wait()); }), std::errc::not_a_directory);
    EXPECT_EQ(error_of([&] { static_cast<void>(bide::list_tree(at("none")).wait()); }),
              std::errc::no_such_file_or_directory);
}

TEST_F(files, C15_6_closed_and_empty_ones_say_so) {
    put(at("f"), "x");
    file f = file::open(at("f")).wait();
    EXPECT_TRUE(f.is_open());
    f.close();
    f.close();
    EXPECT_FALSE(f.is_open());
    std::array<std::byte, 1> one;
    EXPECT_EQ(error_of([&] { f.read_at(0, one).wait(); }), std::errc::bad_file_descriptor);
    EXPECT_THROW(file().read_at(0, one).wait(), bide::usage_error);
}

TEST_F(files, C15_1_a_file_as_a_stream) {
    const std::string all = support::pattern(100'000);
    {
        file f = file::open(at("f"), open_mode::write | open_mode::create).wait();
        bide::file_stream to(f);
        bide::write_all(to, bytes_of(all)).wait();
        EXPECT_EQ(to.offset(), all.size());
    }
    file f = file::open(at("f")).wait();
    bide::file_stream from(f);
    EXPECT_TRUE(support::read_to_end(from).wait() == all);
    from.seek(99'990);
    EXPECT_EQ(support::read_to_end(from).wait(), all.substr(99'990));
}

TEST_F(files, C15_19_the_loop_goes_on_meanwhile_and_many_are_read_at_once) {
    for (int i = 0; i < 50; ++i) put(at(std::to_string(i).c_str()), std::to_string(i));
    int right = 0;
    bool ticked = false;
    bide::with_scope([&](bide::scope& s) {
        auto read = [&](int i) -> task<> {
            const std::string got = co_await bide::read_file(at(std::to_string(i).c_str()));
            right += got == std::to_string(i);
        };
        auto tick = [&]() -> task<> {
            co_await bide::yield_now();
            ticked = true;
        };
        for (int i = 0; i < 50; ++i) s.start(read, i);
        s.start(tick);
    });
    EXPECT_EQ(right, 50);
    EXPECT_TRUE(ticked);
}

// Stopped before it begins it never does; stopped while it runs it is joined: nothing of it is in use afterwards.
TEST_F(files, C15_19_cancelled_at_every_step) {
    const std::string all = support::pattern(200'000);
    put(at("f"), all);
    bool ended = false;
    for (int k = 0; !ended; ++k) {
        ASSERT_LT(k, 1'000'000);
        bide::loop l;
        auto work = [&]() -> task<std::size_t> {
            std::vector<std::byte> buffer(all.size());
            file f = co_await file::open(at("f"));
            const std::size_t n = co_await f.read_at(0, buffer);
            co_return n;
        };
        auto f = l.submit(work);
        for (int i = 0; i < k && f.status() == bide::future_status::pending; ++i) {
            l.poll();
            if (i > 10) ::usleep(100);  // the thread has to come along
        }
        ended = f.status() == bide::future_status::succeeded;
        f.stop();
        support::turn_until(l, f);
        ASSERT_NE(f.status(), bide::future_status::failed);
    }
}

}  // namespace
