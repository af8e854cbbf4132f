// SPDX-License-Identifier: BSL-1.0
// The drivers: which one a loop has, what happens where io_uring is forbidden, and what is particular to I/O that the
// kernel carries out. The other tests of tests/io run with both drivers; what they show is not shown here again.
#include "support/no_leaks.hpp"
#include "support/tcp_pair.hpp"
#include "support/watchdog.hpp"

#include "loop/uring/ring.hpp"

#include <bide/detail/loop/loop_access.hpp>
#include <bide/future.hpp>
#include <bide/io/stream.hpp>
#include <bide/io/tcp.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bide::bytes_of;
using bide::io_driver;
using bide::ip_endpoint;
using bide::loop_options;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using support::turn;
using support::turn_until;
using pair = support::tcp_pair;

bide::detail::driver& driver_of(bide::loop& l) { return bide::detail::loop_access::driver_of(l); }

bool forced_to_epoll() { return bide::detail::driver_of_environment() == io_driver::epoll; }
/// Whether this system allows a ring, and the tests are to use one.
bool rings_here() {
    static const bool allowed = [] {
        try {
            const bide::loop l(loop_options{io_driver::io_uring});
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }();
    return allowed && !forced_to_epoll();
}

task<std::string> read_text(tcp_stream& from, std::size_t n) {
    std::string text(n, '?');
    co_await from.read_exactly(std::as_writable_bytes(std::span(text)));
    co_return text;
}
task<std::string> read_some_text(tcp_stream& from) {
    std::array<char, 64> buffer;
    const std::size_t n = co_await from.read_some(std::as_writable_bytes(std::span(buffer)));
    co_return std::string(buffer.data(), n);
}
task<> write_text(tcp_stream& to, std::string text) { co_await to.write_all(bytes_of(text)); }

/// One echo in plain code and one on a loop of its own; what a program does with a driver.
void echo_once() {
    pair p;
    write_text(p.client, "ping").wait();
    ASSERT_EQ(read_text(p.server, 4).wait(), "ping");
    bide::loop l;
    auto got = l.submit(read_text, std::ref(p.client), std::size_t{4});
    auto put = l.submit(write_text, std::ref(p.server), std::string("pong"));
    l.run();
    ASSERT_EQ(got.value(), "pong");
}

/// Runs f in a child process in which io_uring_setup fails with `error`; true if it says true.
template <class F>
bool in_child_without_io_uring(int error, F f) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto number = static_cast<std::uint32_t>(SYS_io_uring_setup);
        const auto refuse = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
        sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the system call's number
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, refuse),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog filter{4, program};
        ::alarm(60);
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(3);
        if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) ::_exit(4);
        bool ok = false;
        try {
            ok = f();
        } catch (...) {  // counts as no
        }
        ::_exit(ok ? 0 : 5);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return false;
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class ring : public testing::Test {
protected:
    support::watchdog guard_;
};

// ---- which driver -------------------------------------------------------------------------------------------------

TEST_F(ring, C15_9_the_environments_words_are_checked) {
    using bide::detail::parse_driver;
    EXPECT_EQ(parse_driver(nullptr), io_driver::automatic);
    EXPECT_EQ(parse_driver(""), io_driver::automatic);
    EXPECT_EQ(parse_driver("auto"), io_driver::automatic);
    EXPECT_EQ(parse_driver("epoll"), io_driver::epoll);
    EXPECT_EQ(parse_driver("io_uring"), io_driver::io_uring);
    EXPECT_THROW(static_cast<void>(parse_driver("iouring")), bide::usage_error);
}

TEST_F(ring, C15_9_a_loop_has_none_before_its_first_io) {
    bide::loop l;
    auto f = l.submit([]() -> task<int> { co_return 1; });
    l.run();
    EXPECT_EQ(f.value(), 1);
    EXPECT_EQ(driver_of(l).ring_made, nullptr);
    pair p;
    auto got = l.submit(read_text, std::ref(p.server), std::size_t{1});
    write_text(p.client, "x").wait();
    l.run();
    EXPECT_EQ(got.value(), "x");
    EXPECT_EQ(driver_of(l).ring_made != nullptr, rings_here());
}

TEST_F(ring, C15_9_a_loop_that_wants_epoll_has_no_ring) {
    bide::loop l(loop_options{io_driver::epoll});
    pair p;
    auto got = l.submit(read_text, std::ref(p.server), std::size_t{1});
    write_text(p.client, "x").wait();
    l.run();
    EXPECT_EQ(got.value(), "x");
    EXPECT_EQ(driver_of(l).ring_made, nullptr);
}

TEST_F(ring, C15_9_where_it_is_forbidden_epoll_takes_over_in_silence) {
    for (const int error : {EPERM, ENOSYS, ENOMEM}) {
        EXPECT_TRUE(in_child_without_io_uring(error, [] {
            int reports = 0;
            static int* counter = nullptr;
            counter = &reports;
            bide::set_report_hook([](const std::string&) { ++*counter; });
            echo_once();
            return !testing::Test::HasFailure() && reports == 0;
        })) << error;
    }
}

// What the environment wants is read once: so it is a program of its own, this test once more.
TEST_F(ring, C15_9_where_it_is_forbidden_an_environment_that_wants_it_is_told_why_and_once) {
    if (std::getenv("BIDE_TEST_REFUSED") == nullptr) {  // NOLINT(concurrency-mt-unsafe): nobody else is here
        EXPECT_TRUE(in_child_without_io_uring(EPERM, [] {
            ::setenv("BIDE_DRIVER", "io_uring", 1);
            ::setenv("BIDE_TEST_REFUSED", "1", 1);
            const std::string filter = std::string("--gtest_filter=") +
                                       testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() + "." +
                                       testing::UnitTest::GetInstance()->current_test_info()->name();
            ::execl("/proc/self/exe", "again", filter.c_str(), nullptr);
            return false;
        }));
        return;
    }
    static std::vector<std::string> said;
    bide::set_report_hook([](const std::string& text) { said.push_back(text); });
    echo_once();
    echo_once();
    bide::set_report_hook(nullptr);
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("BIDE_DRIVER=io_uring"), std::string::npos) << said[0];
    EXPECT_NE(said[0].find(std::error_code(EPERM, std::system_category()).message()), std::string::npos) << said[0];
    EXPECT_NE(said[0].find("epoll"), std::string::npos) << said[0];
}

TEST_F(ring, C15_9_where_it_is_forbidden_a_loop_that_demands_it_says_why) {
    for (const int error : {EPERM, ENOSYS}) {
        EXPECT_TRUE(in_child_without_io_uring(error, [error] {
            try {
                const bide::loop l(loop_options{io_driver::io_uring});
            } catch (const std::system_error& e) {
                return e.code() == std::error_code(error, std::system_category());
            }
            return false;
        })) << error;
    }
}

TEST_F(ring, another_thread_does_not_run_the_loop_of_ones_waits) {
    if (!rings_here()) return;  // with epoll any thread may
    pair p;
    const bide::idle_loop mine;
    write_text(p.client, "x").wait();
    ASSERT_EQ(read_text(p.server, 1).wait(), "x");
    std::thread([&] {
        EXPECT_THROW((*mine).run(), bide::usage_error);
        EXPECT_THROW((*mine).poll(), bide::usage_error);
    }).join();
}

// ---- the queues ---------------------------------------------------------------------------------------------------

struct counted final : bide::detail::ring_entry {
    int* reports;
    int* wrong;
    counted(int* r, int* w) : ring_entry(&ask, &told), reports(r), wrong(w) {}
    static bool ask(ring_entry*, bide::detail::ring_request& r) noexcept {
        r.what = bide::detail::ring_request::kind::send;
        r.fd = -1;
        return true;
    }
    static void told(ring_entry* self, const bide::detail::ring_report& r) noexcept {
        auto& me = *static_cast<counted*>(self);
        ++*me.reports;
        if (r.result != -EBADF || r.more) ++*me.wrong;
    }
};

TEST_F(ring, more_at_once_than_either_queue_holds_are_all_reported) {
    bide::loop l;
    bide::detail::ring* const r = driver_of(l).ring();
    if (r == nullptr) return;
    const bide::detail::ring::ownership mine(*r);
    ASSERT_TRUE(mine);
    int reports = 0;
    int wrong = 0;
    std::vector<std::unique_ptr<counted>> all;
    for (int i = 0; i < 5000; ++i) {
        all.push_back(std::make_unique<counted>(&reports, &wrong));
        r->queue(*all.back());
    }
    while (reports < 5000) r->poll();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(r->pending(), 1);  // the poller
}

/// Has somebody go on instead of going to the kernel.
struct refusing final : bide::detail::ring_entry {
    bide::promise<void> told;
    refusing() : ring_entry(&refusing::tell, [](ring_entry*, const bide::detail::ring_report&) noexcept {}) {}
    static bool tell(ring_entry* self, bide::detail::ring_request&) noexcept {
        static_cast<refusing*>(self)->told.set_value();
        return false;
    }
};

TEST_F(ring, what_becomes_ready_while_the_batch_is_made_is_not_slept_over) {
    bide::loop l;
    bide::detail::ring* const r = driver_of(l).ring();
    if (r == nullptr) return;
    refusing entry;
    auto waiting = l.submit([&]() -> task<> { co_await entry.told.get_future(); });
    auto queueing = l.submit([&]() -> task<> {
        co_await bide::sleep_for(std::chrono::milliseconds(1));  // no wake-up is left over from making the ring
        r->queue(entry);
    });
    l.run();  // nothing else would wake it
    EXPECT_EQ(waiting.status(), bide::future_status::succeeded);
}

TEST_F(ring, more_messages_at_once_than_buffers_arrive_whole) {
    constexpr int many = 120;  // there are 32 at first
    std::vector<std::unique_ptr<pair>> pairs;
    for (int i = 0; i < many; ++i) pairs.push_back(std::make_unique<pair>());
    bide::loop l;
    std::vector<bide::future<std::string>> got;
    for (auto& p : pairs) got.push_back(l.submit(read_text, std::ref(p->server), std::size_t{40'000}));
    turn(l, 3);
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < many; ++i) {
            const std::string part(20'000, static_cast<char>('a' + (i + round) % 26));
            ASSERT_EQ(::send(pairs[static_cast<std::size_t>(i)]->client.native_handle(), part.data(), part.size(), 0),
                      20'000);
        }
    }
    l.run();
    for (int i = 0; i < many; ++i) {
        const std::string wanted = std::string(20'000, static_cast<char>('a' + i % 26)) +
                                   std::string(20'000, static_cast<char>('a' + (i + 1) % 26));
        EXPECT_TRUE(got[static_cast<std::size_t>(i)].value() == wanted) << i;
    }
}

// ---- bytes --------------------------------------------------------------------------------------------------------

TEST_F(ring, little_and_much_by_turns_keeps_the_order_of_bytes) {
    pair p;
    std::string sent;
    for (unsigned i = 0; i < 400'000; ++i) sent += static_cast<char>('a' + (i * 7919U + i / 1000U) % 26);
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            for (std::size_t at = 0, n = 1; at < sent.size(); at += n, n = n * 5 % 99'991 + 1)
                co_await p.client.write_all(bytes_of(sent).subspan(at, std::min(n, sent.size() - at)));
            co_await p.client.finish();
        };
        auto read = [&]() -> task<> {
            std::vector<char> buffer(100'000);
            for (std::size_t want = 1;; want = want * 7 % 99'991 + 1) {  // both sides of what goes through the ring
                const std::size_t n =
                    co_await p.server.read_some(std::as_writable_bytes(std::span(buffer).first(want)));
                if (n == 0) break;
                got.append(buffer.data(), n);
            }
        };
        s.start(write);
        s.start(read);
    });
    EXPECT_TRUE(got == sent);
}

TEST_F(ring, C15_10_a_peer_that_sends_without_end_is_held_up_when_nobody_reads) {
    pair p;
    bide::loop l;
    auto first = l.submit(read_text, std::ref(p.server), std::size_t{1});
    turn(l, 2);
    const std::string junk(1 << 16, 'j');
    std::size_t sent = 0;
    for (int silent = 0; silent < 50;) {  // while the loop turns, and nobody reads
        const ssize_t n = ::send(p.client.native_handle(), junk.data(), junk.size(), MSG_DONTWAIT);
        if (n > 0)
            sent += static_cast<std::size_t>(n), silent = 0;
        else
            ++silent;
        l.poll();
        ASSERT_LT(sent, std::size_t{200} << 20) << "the loop takes everything, and keeps it";
    }
    EXPECT_EQ(first.value(), "j");
    p.client.close();
    std::size_t rest = 1;
    auto read = l.submit([&]() -> task<> {
        std::array<std::byte, 4096> buffer;
        while (const std::size_t n = co_await p.server.read_some(buffer)) rest += n;
    });
    turn_until(l, read);
    EXPECT_EQ(rest, sent);
}

// ---- other threads, other loops -----------------------------------------------------------------------------------

TEST_F(ring, C15_10_what_one_threads_wait_had_received_ahead_is_read_by_another) {
    pair p;
    write_text(p.client, "onetwo").wait();
    ASSERT_EQ(read_text(p.server, 3).wait(),
              "one");  // the rest has perhaps been received, and nobody runs this loop now
    std::string there;
    std::thread([&] {
        there = read_text(p.server, 3).wait();
        write_text(p.client, "three").wait();
    }).join();
    EXPECT_EQ(there, "two");
    EXPECT_EQ(read_text(p.server, 5).wait(), "three");
}

TEST_F(ring, C15_5_a_stream_leaves_a_loop_that_runs) {
    pair p;
    bide::loop_thread other;
    other.start();
    for (int i = 0; i < 50; ++i) {
        auto there = other.submit(read_some_text, std::ref(p.server));
        write_text(p.client, "there").wait();
        EXPECT_EQ(there.wait(), "there");
        auto next = other.submit(write_text, std::ref(p.client), std::string("here"));  // it is on that loop again
        EXPECT_EQ(read_text(p.server, 4).wait(), "here");
        next.wait();
    }
    other.shutdown();
}

TEST_F(ring, C15_5_a_stream_outlives_the_loop_threads_that_read_it) {
    pair p;
    for (int i = 0; i < 3; ++i) {
        bide::loop_thread other;
        other.start();
        auto there = other.submit(read_some_text, std::ref(p.server));
        write_text(p.client, "again").wait();
        EXPECT_EQ(there.wait(), "again");
        other.shutdown();
    }
    write_text(p.client, "end").wait();
    EXPECT_EQ(read_text(p.server, 3).wait(), "end");
}

// What a thread has handed over ends with the thread; the loop goes on on another one.
TEST_F(ring, a_loop_whose_thread_has_ended_goes_on_elsewhere) {
    pair p;
    bide::loop l;
    auto got = l.submit(read_text, std::ref(p.server), std::size_t{4});
    std::thread([&] { turn(l, 3); }).join();
    EXPECT_EQ(got.status(), bide::future_status::pending);
    write_text(p.client, "here").wait();
    l.run();
    EXPECT_EQ(got.value(), "here");
}

TEST_F(ring, C15_6_closing_from_elsewhere_ends_the_reader_and_the_peer_sees_it) {
    for (int i = 0; i < 20; ++i) {
        pair p;
        bide::loop_thread other;
        other.start();
        std::atomic<bool> begun{false};
        auto reading = other.submit([&]() -> task<std::string> {
            begun = true;
            co_return co_await read_some_text(p.server);
        });
        while (i % 2 == 0 && !begun) std::this_thread::yield();  // else perhaps before it has begun
        if (i % 4 == 0)
            other.submit([]() -> task<> { co_await bide::yield_now(); }).wait();  // and has surely been queued
        p.server.close();
        EXPECT_THROW(reading.wait(), std::system_error);
        EXPECT_EQ(read_some_text(p.client).wait(), "");
        other.shutdown();
    }
}

TEST_F(ring, closing_a_listener_closes_what_it_had_accepted_ahead) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    bide::loop l;
    auto first = l.submit([&]() -> task<tcp_stream> { co_return co_await at.accept(); });
    turn(l, 2);
    tcp_stream one = tcp_stream::connect(at.endpoint()).wait();
    tcp_stream two = tcp_stream::connect(at.endpoint()).wait();
    tcp_stream three = tcp_stream::connect(at.endpoint()).wait();
    turn_until(l, first);
    auto second = l.submit([&]() -> task<tcp_stream> { co_return co_await at.accept(); });
    turn_until(l, second);
    EXPECT_EQ(first.value().peer_endpoint(), one.endpoint());
    EXPECT_EQ(second.value().peer_endpoint(), two.endpoint());
    at = tcp_listener();
    std::array<std::byte, 1> buffer;
    const auto got = bide::as_result(three.read_some(buffer)).wait();
    EXPECT_TRUE(got.error == std::errc::connection_reset || (got.ok() && got.value == 0)) << got.error.message();
}

TEST_F(ring, C15_10_many_connections_at_once_are_all_accepted) {
    constexpr int many = 100;  // more than are accepted ahead
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    bide::loop l;
    auto one = l.submit([&]() -> task<tcp_stream> { co_return co_await at.accept(); });
    turn(l, 2);
    std::vector<tcp_stream> clients;
    for (int i = 0; i < many; ++i) clients.push_back(tcp_stream::connect(at.endpoint()).wait());
    turn_until(l, one);
    turn(l, 5);
    for (int i = 1; i < many; ++i) {
        auto next = l.submit([&]() -> task<tcp_stream> { co_return co_await at.accept(); });
        turn_until(l, next);
        EXPECT_EQ(next.value().peer_endpoint(), clients[static_cast<std::size_t>(i)].endpoint());
    }
}

// ---- fork ---------------------------------------------------------------------------------------------------------

TEST_F(ring, a_child_that_closes_its_copies_does_not_disturb_the_parent) {
    pair p;
    bide::loop l;
    auto got = l.submit(read_text, std::ref(p.server), std::size_t{4});
    turn(l, 3);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::alarm(60);
        p.server.close();
        p.client.close();
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(got.status(), bide::future_status::pending);
    write_text(p.client, "mine").wait();
    turn_until(l, got);
    EXPECT_EQ(got.value(), "mine");
}

}  // namespace
