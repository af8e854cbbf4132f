// SPDX-License-Identifier: BSL-1.0
// A file's operation by the ring whose task is stopped: before, while and after the kernel has it.
#include <bide/io/file.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/testing/sweep.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>

#include "support/file_steps.hpp"
#include "support/io.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::file;
using bide::future_status;
using bide::open_mode;
using bide::task;
using support::has_ring;
using support::read_step;
using support::slow_disk;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

class stopped_files : public support::no_leaks {
protected:
    support::temporary_directory dir_;
};

TEST_F(stopped_files, C6_5_C15_19_before_it_was_handed_over_it_never_happens) {
    bide::loop l;
    if (!has_ring(l)) return;
    support::put(dir_ / "f", "old");
    file f = file::open(dir_ / "f", open_mode::read_write).wait();
    auto writing = l.submit([&]() -> task<> { co_await f.write_at(0, bide::bytes_of("new")); });
    auto stopping = l.submit([&]() -> task<> {  // in the same turn, and the batch goes at its end
        writing.stop();
        co_return;
    });
    l.run();
    EXPECT_EQ(writing.status(), future_status::cancelled);
    EXPECT_EQ(stopping.status(), future_status::succeeded);
    EXPECT_EQ(support::content_of(dir_ / "f"), "old");
}

TEST_F(stopped_files, C6_5_while_the_kernel_has_it_the_kernel_ends_it) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    auto n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
    turn(l, 3);
    n.stop();
    l.run();  // the disk does nothing: it would be for ever
    EXPECT_EQ(n.status(), future_status::cancelled);
    disk.comes("abc");
    EXPECT_EQ(disk.left(), "abc") << "nobody reads any more";
}

TEST_F(stopped_files, C6_5_C15_19_an_operation_on_a_file_ends_with_its_step) {
    support::put(dir_ / "f", "content");
    file f = file::open(dir_ / "f").wait();
    const slow_disk disk;
    disk.becomes(f);
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    auto reading = l.submit([&]() -> task<> { co_await f.read_at(0, to); });
    auto limited = l.submit([&]() -> task<> { co_await bide::with_timeout(1ms, f.read_at(0, to)); });
    turn(l, 3);
    reading.stop();
    l.run();
    EXPECT_EQ(reading.status(), future_status::cancelled);
    EXPECT_THROW(limited.value(), bide::timed_out);
}

TEST_F(stopped_files, C1_12_C15_19_what_has_come_before_the_stop_is_delivered) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    auto n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
    turn(l, 3);
    disk.comes("abc");
    n.stop();
    l.run();
    EXPECT_EQ(n.value(), 3);
    EXPECT_EQ(bide::text_of(std::span<const std::byte>(to).first(3)), "abc");
}

TEST_F(stopped_files, C1_12_what_comes_between_the_stop_and_the_kernels_answer_is_not_lost) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    auto n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
    turn(l, 3);
    n.stop();  // the kernel is told in the next turn
    disk.comes("abc");
    l.run();
    const bool delivered = n.status() == future_status::succeeded;
    EXPECT_EQ(disk.left(), delivered ? "" : "abc");
    if (delivered) {
        EXPECT_EQ(n.value(), 3);
    }
}

TEST_F(stopped_files, C7_4_a_loop_that_ends_has_it_ended) {
    const slow_disk disk;
    std::array<std::byte, 8> to{};
    bide::future<int> n;
    {
        bide::loop l;
        if (!has_ring(l)) return;
        n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
        turn(l, 3);
    }
    EXPECT_EQ(n.status(), future_status::cancelled);
}

TEST_F(stopped_files, C6_5_many_at_once_and_by_another_thread) {
    const slow_disk disk;
    constexpr std::size_t many = 40;  // more than a ring notes one by one
    std::vector<std::array<std::byte, 8>> to(many);
    bide::loop_thread worker;
    worker.start();
    std::vector<bide::future<int>> all;
    for (auto& place : to) all.push_back(worker.submit(read_step, disk.ends[0], std::span<std::byte>(place)));
    if (!worker.call([] { return has_ring(*bide::detail::tls().running_loop); }).wait()) return;
    for (auto& n : all) n.stop();
    for (auto& n : all) {
        try {
            // Where so many are asked for at once all are ended, also one that is only about to be stopped.
            EXPECT_EQ(n.wait(), -ECANCELED);
        } catch (const bide::cancelled&) {
            EXPECT_EQ(n.status(), future_status::cancelled);
        }
    }
}

TEST_F(stopped_files, C7_4_a_loop_thread_that_is_stopped_has_them_ended) {
    const slow_disk disk;
    std::vector<std::array<std::byte, 8>> to(20);
    bide::loop_thread worker;
    worker.start();
    std::vector<bide::future<int>> all;
    for (auto& place : to) all.push_back(worker.submit(read_step, disk.ends[0], std::span<std::byte>(place)));
    if (!worker.call([] { return has_ring(*bide::detail::tls().running_loop); }).wait()) return;
    worker.shutdown();
    for (auto& n : all) EXPECT_EQ(n.status(), future_status::cancelled);
}

TEST_F(stopped_files, C7_9_what_a_child_stops_the_parent_still_has) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    auto n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
    turn(l, 3);
    auto forking = l.submit([&]() -> task<int> {  // while this thread has hold of the ring
        const pid_t child = ::fork();
        if (child == 0) {
            n.stop();
            ::_exit(0);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        co_return status;
    });
    turn_until(l, forking);
    EXPECT_EQ(forking.value(), 0);
    turn(l, 3);
    EXPECT_EQ(n.status(), future_status::pending);
    disk.comes("abc");
    l.run();
    EXPECT_EQ(n.value(), 3);
}

/// Reads until it is stopped: what it has got.
task<> collect(const slow_disk& disk, std::string& got) {
    std::array<std::byte, 3> to{};
    for (;;) {
        const int n = co_await read_step(disk.ends[0], to);
        // By mistake: what was asked to end for an operation before it, at the same address. It begins again (a file's
        // does so on a thread), and if the task is to stop, it stops there.
        if (n == -ECANCELED) continue;
        if (n <= 0) co_return;
        got += bide::text_of(std::span<const std::byte>(to).first(static_cast<std::size_t>(n)));
    }
}

// Every byte was read by the task, or is still there for the next one.
TEST_F(stopped_files, C1_12_swept_over_all_turns_no_byte_is_lost) {
    for (int stopped_at = 0; stopped_at < 24; ++stopped_at) {
        const slow_disk disk;
        bide::loop l;
        if (!has_ring(l)) return;
        std::string got;
        std::string sent;
        auto reading = l.submit(collect, std::cref(disk), std::ref(got));
        for (int i = 0; i < 24; ++i) {
            const std::string more = "byte " + std::to_string(i);
            if (i % 2 == 0 || i < stopped_at) {
                disk.comes(more);
                sent += more;
            }
            if (i == stopped_at) reading.stop();
            if (i % 3 != 0) l.poll();
        }
        turn_until(l, reading);
        EXPECT_EQ(reading.status(), future_status::cancelled);
        EXPECT_EQ(got + disk.left(), sent) << "stopped at " << stopped_at;
    }
}

TEST_F(stopped_files, C1_12_bytes_and_a_stop_from_two_threads_cross) {
    bide::loop_thread worker;
    worker.start();
    if (!worker.call([] { return has_ring(*bide::detail::tls().running_loop); }).wait()) return;
    for (int round = 0; round < 300; ++round) {
        const slow_disk disk;
        std::string got;
        auto reading = worker.submit(collect, std::cref(disk), std::ref(got));
        std::thread writer([&] {
            for (int i = 0; i < round % 7; ++i) disk.comes("12345");
        });
        for (std::atomic<int> i{0}; i < round * 50; ++i) {}  // elsewhere in each round
        reading.stop();
        writer.join();
        EXPECT_THROW(reading.wait(), bide::cancelled);
        std::string sent;
        for (int i = 0; i < round % 7; ++i) sent += "12345";
        EXPECT_EQ(got + disk.left(), sent) << "round " << round;
    }
}

/// Each step of it, or nothing of it.
task<> use(file& f) {
    std::array<std::byte, 4> got{};
    co_await f.write_at(0, bide::bytes_of("one "));
    co_await f.write_at(4, bide::bytes_of("two "));
    co_await f.sync_content();
    EXPECT_EQ(co_await f.read_at(4, got), 4U);
    EXPECT_EQ(bide::text_of(got), "two ");
    co_await f.write_at(8, bide::bytes_of("end"));
    co_await f.sync();
}

bool is_whole(const std::string& text) {
    return text.empty() || text == "one " || text == "one two " || text == "one two end";
}

TEST_F(stopped_files, C6_5_swept_over_all_turns_of_a_file_in_use) {
    bool ended = false;
    int points = 0;
    for (; !ended; ++points) {
        bide::loop l;
        file f = file::open(dir_ / "f", open_mode::read_write | open_mode::create | open_mode::truncate).wait();
        auto using_it = l.submit(use, std::ref(f));
        for (int i = 0; i < points && using_it.status() == future_status::pending; ++i) l.poll();
        ended = using_it.status() == future_status::succeeded;
        using_it.stop();
        turn_until(l, using_it);
        ASSERT_NE(using_it.status(), future_status::failed);
        EXPECT_TRUE(is_whole(support::content_of(dir_ / "f"))) << support::content_of(dir_ / "f");
        if (ended) {
            EXPECT_EQ(support::content_of(dir_ / "f"), "one two end");
        }
        if (points > 20'000) std::this_thread::yield();  // by threads (no ring): as long as they take
    }
    EXPECT_GT(points, 3);
}

// The scenario's own points, where the file's steps are on a loop with a ring.
TEST_F(stopped_files, C6_5_swept_with_the_file_on_another_loop) {
    bide::loop_thread worker;
    worker.start();
    const auto swept = bide::testing::sweep_cancellation(
        [&]() -> task<> {
            file f = co_await file::open(dir_ / "f", open_mode::read_write | open_mode::create | open_mode::truncate);
            bide::future<void> there = worker.submit(use, std::ref(f));
            bide::stop_callback pass_on([&] { there.stop(); });
            // It refers to the file: waited for whatever happens.
            co_await bide::shield(there);
        },
        [&](const bide::testing::sweep_run&) { EXPECT_TRUE(is_whole(support::content_of(dir_ / "f"))); });
    EXPECT_GT(swept.points, 4U);
    EXPECT_EQ(swept.points, swept.succeeded + swept.cancelled + swept.missed);
    bide::shutdown();  // the threads of open()
}

}  // namespace
