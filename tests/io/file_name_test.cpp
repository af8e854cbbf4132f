// SPDX-License-Identifier: BSL-1.0
// Opening files, and what is known about them, on a loop (where it is by the ring, if there is one) and from plain code
// (where it is by threads): the same results, the same errors.
#include <bide/io/file.hpp>
#include <bide/loop.hpp>
#include <bide/threads.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::file;
using bide::file_information;
using bide::future_status;
using bide::open_mode;
using bide::task;

class named_files : public support::no_leaks {
protected:
    void SetUp() override {
        support::no_leaks::SetUp();
        support::put(dir_ / "f", "content");
        std::filesystem::create_directory(dir_ / "d");
        std::filesystem::create_symlink("f", dir_ / "link");
        std::filesystem::create_symlink("nothing", dir_ / "lost");
        ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
    }
    void TearDown() override {
        bide::shutdown();  // threads that idle
        support::no_leaks::TearDown();
    }
    support::temporary_directory dir_;
};

template <class F>
auto on_a_loop(F f) {
    bide::loop l;
    auto made = l.submit(std::move(f));
    l.run();
    return std::move(made).value();
}

/// What comes of it: the value, or the error with its text.
template <class F>
std::string told(F f) {
    try {
        return f();
    } catch (const std::system_error& e) {
        return std::to_string(e.code().value()) + " " + e.code().category().name() + " " + e.what();
    }
}

std::string text_of(const file_information& i) {
    std::string all;
    for (const std::uint64_t n :
         {std::uint64_t(i.kind), i.size, std::uint64_t(i.permissions), std::uint64_t(i.owner), std::uint64_t(i.group),
          i.links, i.device, i.number, std::uint64_t(i.modified.time_since_epoch().count())})
        all += std::to_string(n) + " ";
    return all;
}

TEST_F(named_files, what_is_known_is_the_same_on_a_loop_and_in_plain_code) {
    for (const char* const name : {"f", "d", "link", "lost", "fifo", "none", "f/below"}) {
        const auto path = dir_ / name;
        EXPECT_EQ(told([&] { return text_of(on_a_loop([&] { return bide::path_information(path); })); }),
                  told([&] { return text_of(bide::path_information(path).wait()); }))
            << name;
        EXPECT_EQ(told([&] { return text_of(on_a_loop([&] { return bide::link_information(path); })); }),
                  told([&] { return text_of(bide::link_information(path).wait()); }))
            << name;
    }
    EXPECT_EQ(text_of(on_a_loop([] { return bide::path_information("/dev/null"); })),
              text_of(bide::path_information("/dev/null").wait()));
}

TEST_F(named_files, it_is_what_stat_says) {
    const file_information i = on_a_loop([&] { return bide::path_information(dir_ / "f"); });
    struct stat s{};
    ASSERT_EQ(::stat((dir_ / "f").c_str(), &s), 0);
    EXPECT_EQ(i.device, s.st_dev);
    EXPECT_EQ(i.number, s.st_ino);
    EXPECT_EQ(i.size, 7U);
    EXPECT_EQ(i.kind, bide::file_kind::regular);
    const auto modified = std::chrono::seconds(s.st_mtim.tv_sec) + std::chrono::nanoseconds(s.st_mtim.tv_nsec);
    // As exact as the clock: with libc++ that has microseconds.
    EXPECT_EQ(i.modified.time_since_epoch(), std::chrono::floor<std::chrono::system_clock::duration>(modified));
    EXPECT_EQ(on_a_loop([&] { return bide::link_information(dir_ / "link"); }).kind, bide::file_kind::symbolic_link);
    file f = on_a_loop([&] { return file::open(dir_ / "f"); });
    EXPECT_EQ(text_of(on_a_loop([&] { return f.information(); })), text_of(i));
    EXPECT_EQ(text_of(f.information().wait()), text_of(i));
    f.close();
    EXPECT_EQ(support::error_of([&] { static_cast<void>(on_a_loop([&] { return f.information(); })); }),
              std::errc::bad_file_descriptor);
}

TEST_F(named_files, opening_gives_the_same_on_a_loop_and_in_plain_code) {
    struct attempt {
        const char* name;
        open_mode mode;
        std::errc error;
    };
    const attempt all[] = {
        {"f", open_mode::read, {}},
        {"link", open_mode::read_write, {}},
        {"none", open_mode::read, std::errc::no_such_file_or_directory},
        {"lost", open_mode::read, std::errc::no_such_file_or_directory},
        {"f/below", open_mode::read, std::errc::not_a_directory},
        {"f", open_mode::write | open_mode::create | open_mode::exclusive, std::errc::file_exists},
        {"d", open_mode::read, std::errc::is_a_directory},
        {"d", open_mode::write, std::errc::is_a_directory},
        {"fifo", open_mode::read, std::errc::invalid_seek},
        {"fifo", open_mode::write, std::errc::no_such_device_or_address},
    };
    for (const attempt& a : all) {
        const auto plain = [&] { return file::open(dir_ / a.name, a.mode).wait().is_open() ? "opened" : "closed"; };
        const auto looped = [&] {
            return on_a_loop([&] { return file::open(dir_ / a.name, a.mode); }).is_open() ? "opened" : "closed";
        };
        EXPECT_EQ(told(looped), told(plain)) << a.name;
        EXPECT_EQ(support::error_of(looped).value(), static_cast<int>(a.error)) << a.name;
    }
}

TEST_F(named_files, what_is_created_has_the_permissions_less_the_umask) {
    file f = on_a_loop([&] { return file::open(dir_ / "new", open_mode::write | open_mode::create, 0666); });
    file g = file::open(dir_ / "plain", open_mode::write | open_mode::create, 0666).wait();
    EXPECT_EQ(f.information().wait().permissions, g.information().wait().permissions);
    on_a_loop([&] { return f.write_at(0, bide::bytes_of("12345")); });
    EXPECT_EQ(support::content_of(dir_ / "new"), "12345");
    file cut = on_a_loop([&] { return file::open(dir_ / "new", open_mode::write | open_mode::truncate); });
    EXPECT_EQ(support::content_of(dir_ / "new"), "");
}

TEST_F(named_files, no_descriptor_is_left) {
    support::know_system_errors();
    bide::loop l;
    support::open_what_stays(l);
    const auto open = [](std::filesystem::path path) { return file::open(std::move(path)); };
    auto before_it = l.submit(open, dir_ / "none");  // UBSan knows its classes then
    l.run();
    EXPECT_EQ(support::error_of([&] { static_cast<void>(before_it.value().is_open()); }),
              std::errc::no_such_file_or_directory);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    auto opened = l.submit(open, dir_ / "f");
    rlimit none = before;
    none.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &none);
    l.run();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(support::error_of([&] { static_cast<void>(opened.value().is_open()); }), std::errc::too_many_files_open);
}

TEST_F(named_files, C6_5_swept_over_all_turns_of_opening) {
    bool ended = false;
    int points = 0;
    for (; !ended; ++points) {
        std::filesystem::remove(dir_ / "new");
        bide::loop l;
        auto opening = l.submit([&]() -> task<file> {
            file made = co_await file::open(dir_ / "new", open_mode::write | open_mode::create);
            co_await made.write_at(0, bide::bytes_of("12345"));
            static_cast<void>(co_await bide::path_information(dir_ / "new"));
            co_return made;
        });
        for (int i = 0; i < points && opening.status() == future_status::pending; ++i) l.poll();
        ended = opening.status() == future_status::succeeded;
        opening.stop();
        support::turn_until(l, opening);
        ASSERT_NE(opening.status(), future_status::failed);
        const std::string text = support::content_of(dir_ / "new");
        EXPECT_TRUE(text.empty() || text == "12345") << text;
        if (points > 20'000) std::this_thread::yield();  // by threads (no ring): as long as they take
    }
    EXPECT_EQ(support::content_of(dir_ / "new"), "12345");
    EXPECT_GT(points, 2);
}

TEST_F(named_files, many_are_opened_at_once) {
    for (int i = 0; i < 300; ++i) support::put(dir_ / std::to_string(i).c_str(), std::to_string(i));
    bide::loop l;
    std::vector<bide::future<std::uint64_t>> all;
    all.reserve(300);
    for (int i = 0; i < 300; ++i)
        all.push_back(l.submit([&, i]() -> task<std::uint64_t> {
            file f = co_await file::open(dir_ / std::to_string(i).c_str());
            const file_information what = co_await f.information();
            co_return what.size;
        }));
    l.run();
    for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(all[i].value(), std::to_string(i).size());
}

}  // namespace
