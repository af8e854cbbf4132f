// SPDX-License-Identifier: BSL-1.0
// Files' operations under way by the ring of a loop that goes on, or ends, on another thread than the one that began
// them.
#include <bide/call.hpp>
#include <bide/future.hpp>
#include <bide/io/file.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/threads.hpp>

#include "support/file_steps.hpp"
#include "support/io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
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

class moved_files : public support::no_leaks {
protected:
    support::temporary_directory dir_;
};

/// A thread that begins something, and lives on until it is let go.
class other_thread {
public:
    template <class F>
    explicit other_thread(F f) {
        bide::promise<void> begun;
        bide::future<void> has_begun = begun.get_future();
        thread_ = std::thread([this, f = std::move(f), begun = std::move(begun)]() mutable {
            f();
            begun.set_value();
            may_end_.wait(false);
        });
        has_begun.wait();
    }
    other_thread(const other_thread&) = delete;
    other_thread& operator=(const other_thread&) = delete;
    ~other_thread() { end(); }
    void end() {
        if (!thread_.joinable()) return;
        may_end_ = true;
        may_end_.notify_all();
        thread_.join();
    }

private:
    std::atomic<bool> may_end_{false};
    std::thread thread_;
};

TEST_F(moved_files, a_step_that_one_thread_began_ends_on_another) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    bide::future<int> n;
    other_thread first([&] {
        n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
        turn(l, 3);
    });
    disk.comes("abc");
    l.run();
    EXPECT_EQ(n.value(), 3);
    EXPECT_EQ(bide::text_of(std::span<const std::byte>(to).first(3)), "abc");
}

TEST_F(moved_files, C6_5_a_step_that_one_thread_began_is_stopped_by_another) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    bide::future<int> n;
    other_thread first([&] {
        n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
        turn(l, 3);
    });
    n.stop();
    l.run();
    EXPECT_EQ(n.status(), future_status::cancelled);
    disk.comes("abc");
    EXPECT_EQ(disk.left(), "abc");
}

TEST_F(moved_files, C7_4_a_loop_ends_elsewhere_than_where_its_steps_began) {
    const slow_disk disk;
    std::array<std::byte, 8> to{};
    bide::future<int> n;
    std::optional<bide::loop> l(std::in_place);
    if (!has_ring(*l)) return;
    other_thread first([&] {
        n = l->submit(read_step, disk.ends[0], std::span<std::byte>(to));
        turn(*l, 3);
    });
    l.reset();
    EXPECT_EQ(n.status(), future_status::cancelled);
}

// The kernel does not go on with what a thread that has ended had under way, and says that it was cancelled.
TEST_F(moved_files, what_the_end_of_its_thread_has_cut_is_done_all_the_same) {
    support::put(dir_ / "f", "content");
    file f = file::open(dir_ / "f").wait();
    const slow_disk disk;
    const int real = ::dup(f.native_handle());
    disk.becomes(f);
    bide::loop l;
    if (has_ring(l)) {
        std::array<std::byte, 7> to{};
        bide::future<std::size_t> n;
        std::thread first([&] {
            n = l.submit([&]() -> task<std::size_t> { co_return co_await f.read_at(0, to); });
            turn(l, 3);
        });
        first.join();
        EXPECT_EQ(n.status(), future_status::pending);
        disk.comes("?");  // now it would go on
        EXPECT_EQ(::dup3(real, f.native_handle(), O_CLOEXEC),
                  f.native_handle());  // for the thread that does it instead
        l.run();
        EXPECT_EQ(n.value(), 7U);
        EXPECT_EQ(bide::text_of(to), "content");
    }
    ::close(real);
}

TEST_F(moved_files, C6_5_stopped_after_the_end_of_its_thread) {
    const slow_disk disk;
    bide::loop l;
    if (!has_ring(l)) return;
    std::array<std::byte, 8> to{};
    bide::future<int> n;
    std::thread first([&] {
        n = l.submit(read_step, disk.ends[0], std::span<std::byte>(to));
        turn(l, 3);
    });
    first.join();
    n.stop();
    turn_until(l, n);
    EXPECT_EQ(n.status(), future_status::cancelled);
}

task<> write_from_loop_to_loop(file& f, bide::executor& one, bide::executor& other, std::uint64_t from) {
    std::array<std::byte, 4> got{};
    for (std::uint64_t i = 0; i < 20; ++i) {
        co_await bide::resume_on(i % 2 == 0 ? one : other);
        const std::string text = std::to_string(1000 + from + i);
        co_await f.write_at((from + i) * 4, bide::bytes_of(text));
        EXPECT_EQ(co_await f.read_at((from + i) * 4, got), 4U);
        EXPECT_EQ(bide::text_of(got), text);
    }
}

TEST_F(moved_files, tasks_that_move_between_two_loops_use_one_file) {
    file f = file::open(dir_ / "f", open_mode::read_write | open_mode::create).wait();
    bide::loop_thread one;
    bide::loop_thread other;
    one.start();
    other.start();
    std::vector<bide::future<void>> all;
    for (std::uint64_t i = 0; i < 10; ++i)
        all.push_back(one.submit(write_from_loop_to_loop, std::ref(f), std::ref(one.get_executor()),
                                 std::ref(other.get_executor()), i * 20));
    for (auto& each : all) each.wait();
    std::string expected;
    for (int i = 0; i < 200; ++i) expected += std::to_string(1000 + i);
    EXPECT_EQ(support::content_of(dir_ / "f"), expected);
}

// What was told to be written is there; the rest was stopped, and the file is no longer used.
TEST_F(moved_files, C7_4_a_loop_thread_that_is_stopped_in_the_middle_of_many_writes) {
    constexpr std::uint64_t many = 300;
    for (int round = 0; round < 20; ++round) {
        file f = file::open(dir_ / "f", open_mode::read_write | open_mode::create | open_mode::truncate).wait();
        std::vector<bide::future<void>> all;
        bide::loop_thread worker;
        worker.start();
        for (std::uint64_t i = 0; i < many; ++i)
            all.push_back(worker.submit(
                [](file& to, std::uint64_t place) -> task<> {
                    co_await to.write_at(place * 4, bide::bytes_of("done"));
                    if (place % 50 == 0) co_await to.sync_content();
                },
                std::ref(f), i));
        if (round % 2 == 0) all[many / 2].wait();
        worker.shutdown();
        const std::string text = support::content_of(dir_ / "f");
        for (std::uint64_t i = 0; i < many; ++i) {
            ASSERT_NE(all[i].status(), future_status::pending);
            if (all[i].status() != future_status::succeeded) continue;
            ASSERT_GE(text.size(), i * 4 + 4);
            EXPECT_EQ(text.substr(i * 4, 4), "done");
        }
    }
    bide::shutdown();  // the threads of open()
}

}  // namespace
